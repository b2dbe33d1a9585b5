"""The double keeps CloudFront's documented rules, as the real boto3 sees them over HTTP."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from tests.doubles.cloudfront_server import NAMESPACE, CloudFront, serve

ROOT = Path(__file__).parents[2]


def client_of(url: str) -> Any:
    """The real boto3, with nothing that could hide an error.

    Its time-out is real: one shorter than a pause of a busy machine would be an error that nobody ordered.
    """
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=3)
    return boto3.client(
        "cloudfront",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


@dataclass
class Stand:
    """A served CloudFront whose time stands still until a test moves it."""

    cloudfront: CloudFront
    client: Any
    url: str
    now: list[float]

    def create(self, *paths: str, reference: str = "r", distribution: str = "E1") -> Any:
        batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": reference}
        answer = self.client.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
        return answer["Invalidation"]

    def create_fails(
        self, *paths: str, reference: str = "r", distribution: str = "E1"
    ) -> tuple[int, str, str]:
        with pytest.raises(ClientError) as caught:
            self.create(*paths, reference=reference, distribution=distribution)
        answer = caught.value.response
        return (
            answer["ResponseMetadata"]["HTTPStatusCode"],
            answer["Error"]["Code"],
            answer["Error"]["Message"],
        )

    def post(self, body: str, path: str = "/2020-05-31/distribution/E1/invalidation") -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"))
        connection.request("POST", path, body.encode())
        answer = connection.getresponse()
        status, content = answer.status, answer.read().decode()
        connection.close()
        return status, content


@pytest.fixture
def stand() -> Iterator[Stand]:
    now = [1_800_000_000.0]
    cloudfront = CloudFront(clock=lambda: now[0], known={"E1", "E2", "dt_1"})
    with serve(cloudfront) as url:
        yield Stand(cloudfront, client_of(url), url, now)


class TestAnswers:
    def test_an_accepted_batch_comes_back_as_an_invalidation_in_progress(self, stand: Stand) -> None:
        invalidation = stand.create("/a&b.html", "/c/*", reference="one")
        assert invalidation["Status"] == "InProgress"
        assert invalidation["InvalidationBatch"] == {
            "Paths": {"Quantity": 2, "Items": ["/a&b.html", "/c/*"]},
            "CallerReference": "one",
        }
        assert invalidation["CreateTime"].timestamp() == stand.now[0]

    def test_an_invalidation_completes_with_time_and_boto3_can_wait_for_it(self, stand: Stand) -> None:
        created = stand.create("/a")
        stand.now[0] += 600
        waiter = stand.client.get_waiter("invalidation_completed")
        waiter.wait(DistributionId="E1", Id=created["Id"], WaiterConfig={"MaxAttempts": 1})

    def test_a_tenant_has_its_own_operations(self, stand: Stand) -> None:
        batch = {"Paths": {"Quantity": 1, "Items": ["/a"]}, "CallerReference": "r"}
        created = stand.client.create_invalidation_for_distribution_tenant(Id="dt_1", InvalidationBatch=batch)
        found = stand.client.get_invalidation_for_distribution_tenant(
            DistributionTenantId="dt_1", Id=created["Invalidation"]["Id"]
        )
        assert found["Invalidation"] == created["Invalidation"]

    def test_an_unknown_tenant_is_an_entity_not_found(self, stand: Stand) -> None:
        batch = {"Paths": {"Quantity": 1, "Items": ["/a"]}, "CallerReference": "r"}
        with pytest.raises(stand.client.exceptions.EntityNotFound):
            stand.client.create_invalidation_for_distribution_tenant(Id="dt_2", InvalidationBatch=batch)

    def test_an_unknown_distribution_is_a_404(self, stand: Stand) -> None:
        assert stand.create_fails("/a", distribution="E9")[:2] == (404, "NoSuchDistribution")

    def test_an_invalidation_is_found_only_under_its_distribution(self, stand: Stand) -> None:
        created = stand.create("/a")
        with pytest.raises(stand.client.exceptions.NoSuchInvalidation):
            stand.client.get_invalidation(DistributionId="E2", Id=created["Id"])


class TestBatches:
    def test_three_thousand_files_are_taken_in_one_call(self, stand: Stand) -> None:
        assert stand.create(*(f"/{number}" for number in range(3_000)))["Status"] == "InProgress"

    def test_one_file_more_is_a_batch_too_large(self, stand: Stand) -> None:
        assert stand.create_fails(*(f"/{number}" for number in range(3_001)))[:2] == (413, "BatchTooLarge")

    def test_no_path_at_all_is_an_invalid_argument(self, stand: Stand) -> None:
        assert stand.create_fails()[:2] == (400, "InvalidArgument")

    def test_a_quantity_that_does_not_match_is_inconsistent(self, stand: Stand) -> None:
        batch = {"Paths": {"Quantity": 2, "Items": ["/a"]}, "CallerReference": "r"}
        with pytest.raises(stand.client.exceptions.InconsistentQuantities):
            stand.client.create_invalidation(DistributionId="E1", InvalidationBatch=batch)

    def test_a_request_without_a_body_misses_it(self, stand: Stand) -> None:
        status, answer = stand.post("")
        assert status == 400
        assert "<Code>MissingBody</Code>" in answer

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param("<InvalidationBatch", id="not-xml"),
            pytest.param("<InvalidationBatch/>", id="no-namespace"),
            pytest.param(f'<InvalidationBatch xmlns="{NAMESPACE}"/>', id="no-paths"),
        ],
    )
    def test_a_body_of_another_shape_is_malformed(self, stand: Stand, body: str) -> None:
        status, answer = stand.post(body)
        assert status == 400
        assert "<Code>MalformedInput</Code>" in answer


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/*",
            "/a*",
            "/a*b",
            "/a%20b",
            "/a+b",
            "/%C3%BC.html",
            "/a?b=c&d=e*",
            "/!$&'()*+,-.:;=@_/x",
            pytest.param("/" + 3_999 * "a", id="4000-characters"),
            "#tag",
            pytest.param("#" + 256 * "t", id="tag-of-256-characters"),
            "#a*~{}",
        ],
    )
    def test_a_path_or_tag_within_the_rules_is_taken(self, stand: Stand, path: str) -> None:
        assert stand.create(path)["InvalidationBatch"]["Paths"]["Items"] == [path]

    @pytest.mark.parametrize(
        "path",
        [
            "a",
            "*",
            "/a b",
            *(f"/a{unsafe}" for unsafe in '<>"#{}|\\^~[]`'),
            "/100%",
            "/%2",
            "/%zz",
            "/ü",
            pytest.param("/" + 4_000 * "a", id="4001-characters"),
            "#",
            "#a,b",
            "#a b",
            "#ü",
            pytest.param("#" + 257 * "t", id="tag-of-257-characters"),
        ],
    )
    def test_one_bad_path_or_tag_fails_its_whole_batch(self, stand: Stand, path: str) -> None:
        status, code, message = stand.create_fails("/good", path)
        assert (status, code) == (400, "InvalidArgument")
        assert message == "Your request contains one or more invalid invalidation paths."
        assert not stand.cloudfront.invalidations


class TestCallerReference:
    def test_the_same_reference_with_the_same_paths_is_the_same_invalidation(self, stand: Stand) -> None:
        assert stand.create("/a", "/b")["Id"] == stand.create("/a", "/b")["Id"]
        assert stand.cloudfront.billed_paths == 2

    def test_the_same_reference_with_other_paths_already_exists(self, stand: Stand) -> None:
        stand.create("/a")
        assert stand.create_fails("/b")[1] == "InvalidationBatchAlreadyExists"

    def test_a_reference_is_remembered_for_its_distribution_alone(self, stand: Stand) -> None:
        assert stand.create("/a")["Id"] != stand.create("/a", distribution="E2")["Id"]

    @pytest.mark.parametrize("length", [0, 129])
    def test_a_reference_has_1_to_128_characters(self, stand: Stand, length: int) -> None:
        assert stand.create_fails("/a", reference="r" * length)[1] == "InvalidArgument"


class TestQuotas:
    def test_files_in_progress_stop_at_3000_and_go_on_when_they_complete(self, stand: Stand) -> None:
        stand.create(*(f"/{number}" for number in range(2_999)), reference="many")
        status, code, message = stand.create_fails("/x", "/y")
        assert (status, code) == (400, "TooManyInvalidationsInProgress")
        assert message.endswith("in-progress invalidations.")
        assert stand.create("/x", reference="one")
        stand.now[0] += 600
        assert stand.create("/x", "/y", reference="two")

    def test_wildcards_in_progress_stop_at_15_and_leave_files_alone(self, stand: Stand) -> None:
        stand.create(*(f"/{number}/*" for number in range(15)), reference="many")
        status, code, message = stand.create_fails("/x*")
        assert (status, code) == (400, "TooManyInvalidationsInProgress")
        assert message.endswith("in-progress wildcard invalidations.")
        assert stand.create("/x", reference="file")
        stand.now[0] += 600
        assert stand.create("/x*", reference="wildcard")

    def test_each_distribution_has_its_own_quota(self, stand: Stand) -> None:
        wildcards = [f"/{number}/*" for number in range(15)]
        assert stand.create(*wildcards)
        assert stand.create(*wildcards, distribution="E2")

    def test_work_of_another_caller_holds_the_quota_for_its_time(self, stand: Stand) -> None:
        stand.cloudfront.hold("E1", wildcards=15, files=3_000, seconds=60)
        assert stand.create_fails("/x*")[2].endswith("wildcard invalidations.")
        assert stand.create_fails("/x")[1] == "TooManyInvalidationsInProgress"
        stand.now[0] += 60
        assert stand.create("/x", "/x*")

    def test_a_replay_needs_no_room_in_the_quota(self, stand: Stand) -> None:
        wildcards = [f"/{number}/*" for number in range(15)]
        assert stand.create(*wildcards)["Id"] == stand.create(*wildcards)["Id"]

    def test_95_of_100_invalidations_complete_within_25_seconds(self, stand: Stand) -> None:
        for number in range(400):
            stand.now[0] += 2
            stand.create("/a", reference=str(number))
        accepted = stand.cloudfront.invalidations.values()
        late = sum(invalidation.completes - invalidation.created > 25 for invalidation in accepted)
        assert 8 <= late <= 32


class TestRate:
    def test_ten_quick_calls_pass_and_the_eleventh_is_throttled(self, stand: Stand) -> None:
        for number in range(10):
            stand.create("/a", reference=str(number), distribution=f"E{number % 2 + 1}")
        assert stand.create_fails("/a") == (400, "Throttling", "Rate exceeded")

    def test_one_call_in_two_seconds_passes_for_ever(self, stand: Stand) -> None:
        for number in range(40):
            stand.create("/a", reference=str(number))
            stand.now[0] += 2

    def test_reading_an_invalidation_costs_no_token(self, stand: Stand) -> None:
        created = stand.create("/a")
        for _ in range(20):
            stand.client.get_invalidation(DistributionId="E1", Id=created["Id"])


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "status", "code"),
        [
            ("throttling", 400, "Throttling"),
            ("unavailable", 503, "ServiceUnavailable"),
            ("internal", 500, "InternalError"),
            ("denied", 403, "AccessDenied"),
            ("too-many-files", 400, "TooManyInvalidationsInProgress"),
            ("too-many-wildcards", 400, "TooManyInvalidationsInProgress"),
        ],
    )
    def test_an_ordered_error_is_answered_and_nothing_is_done(
        self, stand: Stand, fault: str, status: int, code: str
    ) -> None:
        stand.cloudfront.fault_script = [fault]
        assert stand.create_fails("/a")[:2] == (status, code)
        assert not stand.cloudfront.invalidations

    @pytest.mark.parametrize(
        ("fault", "error", "accepted"),
        [
            ("reset", ConnectionClosedError, 0),
            ("lost-answer", ConnectionClosedError, 1),
            ("time-out", ReadTimeoutError, 1),
        ],
    )
    def test_a_broken_connection_hides_whether_the_batch_was_accepted(
        self, stand: Stand, fault: str, error: type[Exception], accepted: int
    ) -> None:
        stand.cloudfront.fault_script = [fault]
        with pytest.raises(error):
            stand.create("/a")
        assert len(stand.cloudfront.invalidations) == accepted
        stand.create("/a")
        assert len(stand.cloudfront.invalidations) == 1

    def test_a_rate_meets_its_share_of_the_calls_and_a_seed_repeats_it(self, stand: Stand) -> None:
        def faults() -> list[str]:
            cloudfront = CloudFront(clock=lambda: 0.0, seed=7, fault_rates={"reset": 0.2, "denied": 0.1})
            return [cloudfront._next_fault() for _ in range(1_000)]

        assert faults() == faults()
        assert 150 < faults().count("reset") < 250
        assert 60 < faults().count("denied") < 140

    def test_every_call_stands_in_the_log(self, stand: Stand) -> None:
        stand.cloudfront.fault_script = ["lost-answer", "denied"]
        with pytest.raises(ConnectionClosedError):
            stand.create("/a", "/b*")
        stand.create_fails("/a", "/b*")
        stand.create("/a", "/b*")
        logged = [(call.answer, call.items, call.wildcards, call.fault) for call in stand.cloudfront.calls]
        assert logged == [
            ("Created", 2, 1, "lost-answer"),
            ("AccessDenied", 0, 0, "denied"),
            ("Replayed", 2, 1, ""),
        ]


class TestProcess:
    def test_a_server_in_its_own_process_is_steered_and_read_over_http(self) -> None:
        command = [sys.executable, "-m", "tests.doubles.cloudfront_server", "--speed", "1000"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                url = process.stdout.readline().strip()

                def control(path: str, order: object) -> Any:
                    request = urllib.request.Request(f"{url}/-/{path}", json.dumps(order).encode())  # noqa: S310
                    with urllib.request.urlopen(request) as answer:  # noqa: S310
                        return json.load(answer)

                control("known", ["E1"])
                control("hold", {"target": "E1", "wildcards": 15, "seconds": 3_600})
                control("faults", {"script": ["denied"]})
                batch = {"Paths": {"Quantity": 1, "Items": ["/a"]}, "CallerReference": "r"}
                create = client_of(url).create_invalidation
                with pytest.raises(ClientError, match="AccessDenied"):
                    create(DistributionId="E1", InvalidationBatch=batch)
                create(DistributionId="E1", InvalidationBatch=batch)
                with pytest.raises(ClientError, match="NoSuchDistribution"):
                    create(DistributionId="E2", InvalidationBatch=batch)
                batch["Paths"] = {"Quantity": 1, "Items": ["/a*"]}
                with pytest.raises(ClientError, match="wildcard"):
                    create(DistributionId="E1", InvalidationBatch=batch | {"CallerReference": "s"})

                with urllib.request.urlopen(f"{url}/-/log") as answer:  # noqa: S310
                    log = json.load(answer)
                assert [call["answer"] for call in log["calls"]] == [
                    "AccessDenied",
                    "Created",
                    "NoSuchDistribution",
                    "TooManyInvalidationsInProgress",
                ]
                assert log["billed_paths"] == 1
                assert control("clear", {})["calls"] == []
            finally:
                process.terminate()
