"""What is sent to CloudFront, and what is made of its answers.

The real boto3 talks to the double of CloudFront over HTTP, in a time that only `sleep` moves. botocore's
Stubber stands where the very parameters of a call are the subject, and for what the double never answers.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.exceptions
import botocore.parsers
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.retries.standard import ThrottledRetryableChecker
from botocore.stub import Stubber
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.doubles.cloudfront_server import FAULTS, CloudFront, handler, serve
from tests.doubles.serving import served

from invalidator import aws, cloudfront, doubt
from invalidator.cloudfront import await_completion, clients, creator, explain
from invalidator.pace import BACKOFF_SECONDS, Memory
from invalidator.plan import Invalidation, covers, plan
from invalidator.settings import Budget, Target
from invalidator.submission import Accepted, CallError, Clock, Outcome, Submission, Terms
from invalidator.verdicts import NEXT_STEP, VERDICTS, Verdict

SITE = Target("ESITE")
OTHER = Target("EOTHER")
TENANT = Target("dt_1", "tenant")
UNMERGED = Budget(max_paths=100_000, max_wildcards=100_000)
PATIENCE_SECONDS = 3.0
"""Of the client, in real time: a machine that pauses for a second is no fault of the network."""

NETWORK_ERRORS = [
    error
    for error in vars(botocore.exceptions).values()
    if isinstance(error, type)
    and issubclass(error, (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError))
]


def planned(*items: str, target: Target = SITE) -> tuple[Invalidation, ...]:
    """A plan in which each item serves a message of its own, named after it."""
    return plan({target: {item: frozenset({f"message of {item}"}) for item in items}}, UNMERGED)


def submit(
    invalidations: Iterable[Invalidation],
    *,
    clients: Any,
    deadline: float,
    memory: Memory | None = None,
    clock: Clock | None = None,
) -> tuple[Outcome, ...]:
    """What the function does with a plan."""
    terms = Terms(deadline)
    return Submission(creator(clients), memory or Memory(), terms, clock or Clock()).run(invalidations)


@dataclass
class Harness:
    """A CloudFront, a client of it, and a time that only `sleep` moves."""

    cloudfront: CloudFront
    client: Any
    time: list[float]
    sleeps: list[float] = field(default_factory=list)
    chance: float = 0.5
    roles: list[str] = field(default_factory=list)

    def submit(
        self, *invalidations: Invalidation, seconds: float = 600, memory: Memory | None = None
    ) -> tuple[Outcome, ...]:
        clock = Clock(now=lambda: self.time[0], sleep=self._sleep, chance=lambda: self.chance)
        return submit(
            invalidations, clients=self._client, deadline=self.time[0] + seconds, memory=memory, clock=clock
        )

    def answers(self) -> list[str]:
        return [call.answer for call in self.cloudfront.calls]

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time[0] += seconds

    def _client(self, target: Target) -> Any:
        self.roles.append(target.role_arn)
        return self.client


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")


@pytest.fixture
def harness(session: boto3.Session) -> Iterator[Harness]:
    now = [1_800_000_000.0]
    cloudfront = CloudFront(clock=lambda: now[0], known={"ESITE", "EOTHER", "dt_1"})
    config = Config(read_timeout=PATIENCE_SECONDS, retries={"total_max_attempts": 1, "mode": "standard"})
    with serve(cloudfront) as url:
        yield Harness(cloudfront, session.client("cloudfront", endpoint_url=url, config=config), now)


def statuses(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Item → what became of it; every item has one outcome."""
    found = [(item, outcome.status) for outcome in outcomes for item in outcome.invalidation.items]
    assert len(found) == len(dict(found))
    return dict(found)


class TestErrorTable:
    @pytest.mark.parametrize(
        "operation",
        [
            "CreateInvalidation",
            "CreateInvalidationForDistributionTenant",
            "GetInvalidation",
            "GetInvalidationForDistributionTenant",
        ],
    )
    def test_every_error_that_the_service_model_knows_has_a_verdict(self, operation: str) -> None:
        model = botocore.session.get_session().get_service_model("cloudfront").operation_model(operation)
        shapes: list[Any] = model.error_shapes
        modelled = {shape.error_code for shape in shapes}
        assert len(modelled) >= 2
        assert modelled <= VERDICTS.keys()

    def test_what_we_take_for_throttling_is_what_botocore_takes_for_it(self) -> None:
        throttled = {code for code, verdict in VERDICTS.items() if verdict is Verdict.THROTTLED}
        checker: Any = ThrottledRetryableChecker
        assert throttled <= set(checker._THROTTLED_ERROR_CODES)

    def test_an_advice_belongs_to_an_error_of_the_table(self) -> None:
        assert NEXT_STEP.keys() <= VERDICTS.keys()

    @pytest.mark.parametrize(
        ("status", "verdict"),
        [
            (500, Verdict.TRANSIENT),
            (503, Verdict.TRANSIENT),
            (429, Verdict.TRANSIENT),
            (401, Verdict.DENIED),
            (403, Verdict.DENIED),
            (400, Verdict.FINAL),
        ],
    )
    def test_an_unknown_code_is_judged_by_its_status(self, status: int, verdict: Verdict) -> None:
        answer: Any = {"Error": {"Code": "New"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        assert explain(ClientError(answer, "CreateInvalidation"), SITE).verdict is verdict

    @pytest.mark.parametrize("error", NETWORK_ERRORS, ids=lambda error: error.__name__)
    def test_every_error_of_the_network_is_tried_again(self, error: type[Exception]) -> None:
        raised = error(endpoint_url="https://x", proxy_url="https://y", error="z")  # type: ignore[call-arg]
        assert explain(raised, SITE).verdict is Verdict.TRANSIENT

    def test_unreadable_answer(self) -> None:
        """It is tried again, as one that was lost: CloudFront may have accepted the call."""
        failure = explain(botocore.parsers.ResponseParserError("no XML"), SITE)
        assert (failure.verdict, failure.answered) == (Verdict.TRANSIENT, False)

    @pytest.mark.parametrize("code", sorted(NEXT_STEP))
    def test_an_explanation_names_the_distribution_the_error_and_the_next_step(self, code: str) -> None:
        error = ClientError({"Error": {"Code": code, "Message": "No."}}, "CreateInvalidation")
        text = explain(error, SITE).text
        assert text.startswith("ESITE: ")
        assert code in text
        assert text.endswith(NEXT_STEP[code])


class TestCalls:
    ANSWER: Any = {  # noqa: RUF012 - what Stubber gives back, never written to
        "Invalidation": {
            "Id": "I1",
            "Status": "InProgress",
            "CreateTime": 0,
            "InvalidationBatch": {"Paths": {"Quantity": 1, "Items": ["/a"]}, "CallerReference": "r"},
        }
    }

    def test_a_distribution_is_sent_its_sorted_items_with_the_reference_of_the_plan(
        self, session: boto3.Session
    ) -> None:
        (invalidation,) = planned("/b", "/a", "#tag")
        client = session.client("cloudfront")
        with Stubber(client) as stubber:
            batch = {
                "Paths": {"Quantity": 3, "Items": ["#tag", "/a", "/b"]},
                "CallerReference": invalidation.caller_reference,
            }
            expected = {"DistributionId": "ESITE", "InvalidationBatch": batch}
            stubber.add_response("create_invalidation", self.ANSWER, expected)
            outcomes = submit([invalidation], clients=lambda _: client, deadline=math.inf)
        assert [(outcome.status, outcome.id, outcome.progress) for outcome in outcomes] == [
            ("accepted", "I1", "InProgress")
        ]

    def test_a_tenant_has_its_own_operation(self, session: boto3.Session) -> None:
        (invalidation,) = planned("/a", target=TENANT)
        client = session.client("cloudfront")
        with Stubber(client) as stubber:
            batch = {
                "Paths": {"Quantity": 1, "Items": ["/a"]},
                "CallerReference": invalidation.caller_reference,
            }
            expected = {"Id": "dt_1", "InvalidationBatch": batch}
            stubber.add_response("create_invalidation_for_distribution_tenant", self.ANSWER, expected)
            outcomes = submit([invalidation], clients=lambda _: client, deadline=math.inf)
        assert outcomes[0].status == "accepted"

    def test_a_boto3_without_tenants_is_named_as_the_cause(self) -> None:
        outcomes = submit(planned("/a", target=TENANT), clients=lambda _: object(), deadline=math.inf)
        assert outcomes[0].status == "refused"
        assert outcomes[0].error == (
            "dt_1: the boto3 of this runtime is too old for distribution tenants – "
            "choose a newer runtime for the module"
        )

    def test_an_answer_without_a_status_is_of_unknown_progress(self) -> None:
        client = SimpleNamespace(create_invalidation=lambda **_: {"Invalidation": {"Id": "I1"}})
        (outcome,) = submit(planned("/a"), clients=lambda _: client, deadline=math.inf)
        assert (outcome.status, outcome.progress) == ("accepted", "")

    def test_a_client_is_asked_for_by_the_role_of_the_target(self, harness: Harness) -> None:
        role = "arn:aws:iam::111122223333:role/invalidate"
        harness.submit(*planned("/a"), *planned("/a", target=Target("EOTHER", role_arn=role)))
        assert harness.roles == ["", role]

    def test_the_client_leaves_retries_to_us_and_never_waits_long(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        config = clients()(SITE).meta.config
        assert config.retries == {"mode": "standard", "total_max_attempts": 1}
        assert (config.connect_timeout, config.read_timeout) == (3.0, 10.0)

    def test_external_id(self, session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
        """One client for each role and external id, and none for the function's own role."""
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        sts = session.client("sts")
        make: Any = aws.client
        options: dict[str, list[dict[str, Any]]] = {"sts": [], "cloudfront": []}

        def client(service: str, config: Config, **more: Any) -> Any:
            options[service].append({"config": config, **more})
            return sts if service == "sts" else make(service, config, **more)

        monkeypatch.setattr(aws, "client", client)
        own = SimpleNamespace(close=lambda: None)
        monkeypatch.setattr(cloudfront, "own_client", lambda: own)
        role = "arn:aws:iam::111122223333:role/invalidate"
        name = "invalidate-cloudfront"
        credentials = {
            "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "SecretAccessKey": "EXAMPLE",
            "SessionToken": "EXAMPLE-TOKEN",
            "Expiration": 0,
        }
        found = clients()
        with Stubber(sts) as stubber:
            asked = [
                {"RoleArn": role, "RoleSessionName": name},
                {"RoleArn": role, "RoleSessionName": name, "ExternalId": "blue"},
                {"RoleArn": role, "RoleSessionName": name, "ExternalId": "red"},
            ]
            for parameters in asked:
                stubber.add_response("assume_role", {"Credentials": credentials}, parameters)
            made = [
                found(Target("E1", role_arn=role, external_id=external_id))
                for external_id in ("", "blue", "red", "blue", "")
            ]
            stubber.assert_no_pending_responses()
        assert [made.index(each) for each in made] == [0, 1, 2, 1, 0]
        configs = [each.pop("config") for service in options.values() for each in service]
        assert [each.read_timeout for each in configs] == [10.0] * 6
        assert options["cloudfront"] == 3 * [
            {
                "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
                "aws_secret_access_key": "EXAMPLE",
                "aws_session_token": "EXAMPLE-TOKEN",
            }
        ]
        for each in made:
            assert "AKIAIOSFODNN7EXAMPLE" in each.generate_presigned_url("list_distributions")
        assert found(SITE) is own


class TestConnections:
    def test_an_invocation_uses_no_connection_of_the_one_before(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The server resets a connection that is used later: it was closed while the sandbox was frozen."""
        service = CloudFront(clock=lambda: 0.0, known={"ESITE"})
        thawed = [False]

        class Forgetful(handler(service, holds_connections=True)):  # type: ignore[misc]
            used = False

            def do_POST(self) -> None:  # noqa: N802 (the name that http.server asks for)
                if self.used and thawed[0]:
                    self._reset()
                    return
                self.used = True
                super().do_POST()

        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        cloudfront.own_client.cache_clear()
        with served(Forgetful) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", url)
            for number in range(2):
                create = creator(clients())
                for invalidation in planned(f"/{number}a"), planned(f"/{number}b"):
                    create(*invalidation)
                    thawed[0] = False
                thawed[0] = True
        cloudfront.own_client.cache_clear()
        assert [call.answer for call in service.calls] == ["Created"] * 4


class TestRetries:
    @pytest.mark.parametrize(
        ("fault", "verdict"),
        [
            ("throttling", Verdict.THROTTLED),
            ("unavailable", Verdict.TRANSIENT),
            ("internal", Verdict.TRANSIENT),
            ("reset", Verdict.TRANSIENT),
        ],
    )
    @pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.75), (1.0, 1.25)], ids=["short", "long"])
    def test_waits_double_up_to_a_bound_and_chance_moves_them_by_a_quarter(
        self, harness: Harness, fault: str, verdict: Verdict, chance: float, factor: float
    ) -> None:
        harness.chance = chance
        harness.cloudfront.fault_script = [fault] * 7
        outcomes = harness.submit(*planned("/a"))
        assert statuses(outcomes) == {"/a": "accepted"}
        first, longest = BACKOFF_SECONDS[verdict]
        waits = [min(longest, first * 2**failure) * factor for failure in range(7)]
        # Past the first five calls none goes sooner than two seconds after the one before.
        assert harness.sleeps == pytest.approx([*waits[:4], *(max(2.0, wait) for wait in waits[4:])])

    @pytest.mark.parametrize("fault", ["lost-answer", "time-out"])
    def test_a_lost_answer_is_asked_for_again_and_billed_once(self, harness: Harness, fault: str) -> None:
        harness.cloudfront.fault_script = [fault]
        outcomes = harness.submit(*planned("/a"))
        assert statuses(outcomes) == {"/a": "accepted"}
        assert harness.answers() == ["Created", "Replayed"]
        assert harness.cloudfront.billed_paths == 1
        assert outcomes[0].id in harness.cloudfront.invalidations

    def test_a_final_error_is_reported_once_and_stops_no_other_call(self, harness: Harness) -> None:
        outcomes = harness.submit(*planned("/a", target=Target("EGONE")), *planned("/b"))
        assert statuses(outcomes) == {"/a": "refused", "/b": "accepted"}
        assert harness.answers() == ["NoSuchDistribution", "Created"]

    def test_a_call_without_an_answer_that_is_deferred_is_doubtful(self, harness: Harness) -> None:
        harness.cloudfront.fault_script = ["lost-answer", *["unavailable"] * 9]
        (outcome,) = harness.submit(*planned("/a"), seconds=5)
        assert (outcome.status, outcome.doubtful) == ("deferred", True)

    def test_a_call_that_is_denied_is_not_tried_in_parts(self, harness: Harness) -> None:
        harness.cloudfront.fault_script = ["denied"]
        assert statuses(harness.submit(*planned("/a", "/b"))) == {"/a": "refused", "/b": "refused"}
        assert len(harness.cloudfront.calls) == 1

    def test_a_distribution_that_is_gone_costs_one_call_in_two_minutes(self, harness: Harness) -> None:
        """Whatever the number of items, and whoever asks next."""
        memory = Memory()
        gone = planned("/a", "/b", "/c*", target=Target("EGONE"))
        for seconds, calls in ((0, 1), (119, 1), (1, 2)):
            harness.time[0] += seconds
            outcomes = harness.submit(*gone, memory=memory)
            assert statuses(outcomes) == {"/a": "refused", "/b": "refused", "/c*": "refused"}
            assert all("NoSuchDistribution" in outcome.error for outcome in outcomes)
            assert len(harness.cloudfront.calls) == calls

    def test_the_other_part_of_a_batch_is_refused_as_well_where_the_distribution_is_gone(self) -> None:
        """It was found to be gone by another call, while the first part waited for room."""
        answers = [CallError(verdict, "no") for verdict in (Verdict.SPLIT, Verdict.FULL, Verdict.GONE)]
        now = [0.0]

        def refuse(_: Invalidation) -> Accepted:
            raise answers.pop(0)

        def sleep(seconds: float) -> None:
            now[0] += seconds

        wanted = {item: frozenset({item}) for item in ("/a", "/b*")}
        clock = Clock(now=lambda: now[0], sleep=sleep, chance=lambda: 0.5)
        submission = Submission(refuse, Memory(), Terms(deadline=600), clock)
        outcomes = submission.run((*plan({SITE: wanted}, UNMERGED), *planned("/c")))
        assert statuses(outcomes) == dict.fromkeys(("/a", "/b*", "/c"), "refused")
        assert answers == []

    def test_what_is_accepted_is_spent(self, harness: Harness) -> None:
        memory = Memory()
        now = harness.time[0]
        before = memory.path_allowance("ESITE", 4_000, now).left(now)
        harness.submit(*planned("/a", "/b"), memory=memory)
        assert memory.path_allowance("ESITE", 4_000, now).left(now) == before - 2

    def test_a_throttled_account_is_left_alone_by_all_its_distributions(self, harness: Harness) -> None:
        harness.cloudfront.fault_script = ["throttling"]
        harness.submit(*planned("/a"), *planned("/b", target=OTHER))
        times = [call.time - harness.cloudfront.calls[0].time for call in harness.cloudfront.calls]
        assert times == [0, 2, 2]

    def test_a_distribution_with_a_full_quota_holds_up_no_other(self, harness: Harness) -> None:
        harness.cloudfront.hold("ESITE", files=3_000, seconds=60)
        harness.submit(*planned("/a"), *planned("/b", target=OTHER))
        assert [(call.target, call.answer) for call in harness.cloudfront.calls][:2] == [
            ("ESITE", "TooManyInvalidationsInProgress"),
            ("EOTHER", "Created"),
        ]


class TestDeadline:
    def test_no_call_starts_after_the_deadline(self, harness: Harness) -> None:
        harness.cloudfront.fault_script = ["unavailable"] * 100
        began = harness.time[0]
        outcomes = harness.submit(*planned("/a"), seconds=45)
        assert statuses(outcomes) == {"/a": "deferred"}
        assert all(call.time < began + 45 for call in harness.cloudfront.calls)
        assert harness.time[0] <= began + 45

    def test_a_last_try_is_made_before_the_deadline_instead_of_waiting_beyond_it(
        self, harness: Harness
    ) -> None:
        harness.cloudfront.hold("ESITE", wildcards=15, seconds=20)
        began = harness.time[0]
        outcomes = harness.submit(*planned("/a*"), seconds=22)
        assert statuses(outcomes) == {"/a*": "accepted"}
        assert [call.time - began for call in harness.cloudfront.calls] == [0, 8, 21]

    def test_what_is_deferred_says_why_and_what_happens_next(self, harness: Harness) -> None:
        harness.cloudfront.hold("ESITE", wildcards=15, seconds=600)
        outcomes = harness.submit(*planned("/a*", "/b"), seconds=22)
        assert statuses(outcomes) == {"/a*": "deferred", "/b": "deferred"}
        assert "TooManyInvalidationsInProgress" in outcomes[0].error
        assert outcomes[0].error.endswith("its messages go back to be planned again")
        assert not any(outcome.doubtful for outcome in outcomes), "each call got an answer"

    def test_without_any_time_nothing_is_called(self, harness: Harness) -> None:
        memory = Memory()
        # It ends now.
        memory.refusals.refused(planned("/a")[0], Verdict.THROTTLED, "slow down", harness.time[0] - 2, 0.5)
        (outcome,) = harness.submit(*planned("/a"), seconds=0, memory=memory)
        assert (outcome.status, outcome.error.partition(";")[0]) == ("deferred", "out of time")
        assert not harness.cloudfront.calls


SPLIT, TOO_LARGE, THROTTLED, FULL, FINAL = (
    CallError(verdict, f"ESITE: {verdict.name}")
    for verdict in (Verdict.SPLIT, Verdict.TOO_LARGE, Verdict.THROTTLED, Verdict.FULL, Verdict.FINAL)
)
LOST = CallError(Verdict.TRANSIENT, "ESITE: lost", answered=False)


@dataclass
class Scripted:
    """Answers each call as told, and accepts it where nothing is told; each takes some seconds."""

    answers: list[CallError | None]
    seconds: float = 0.0
    now: float = 0.0
    calls: list[tuple[str, ...]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def submit(
        self, *invalidations: Invalidation, terms: Terms, memory: Memory | None = None
    ) -> tuple[Outcome, ...]:
        clock = Clock(now=lambda: self.now, sleep=self._sleep, chance=lambda: 0.5)
        return Submission(self._create, memory or Memory(), terms, clock).run(invalidations)

    def _sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def _create(self, invalidation: Invalidation) -> Accepted:
        self.calls.append(invalidation.items)
        self.times.append(self.now)
        self.now += self.seconds
        answer = self.answers.pop(0) if self.answers else None
        if answer:
            raise answer
        return Accepted("I1", "InProgress")


class TestOrder:
    @pytest.mark.parametrize(
        ("items", "answers", "calls"),
        [
            pytest.param(("/a",), [THROTTLED], [("/a",), ("/a",)], id="again"),
            pytest.param(("/a", "/b"), [SPLIT], [("/a", "/b"), ("/a",), ("/b",)], id="the first is right"),
            pytest.param(
                ("/a", "/b"), [SPLIT] * 2, [("/a", "/b"), ("/a",), ("/b",)], id="the first is wrong"
            ),
            pytest.param(
                ("/a", "/b", "/c", "/d"),
                [SPLIT],
                [("/a", "/b", "/c", "/d"), ("/a", "/b"), ("/c",), ("/d",)],
                id="the wrong one is in the second half",
            ),
            pytest.param(
                ("/a", "/b", "/c", "/d"),
                [TOO_LARGE],
                [("/a", "/b", "/c", "/d"), ("/a", "/b"), ("/c", "/d")],
                id="too large",
            ),
            pytest.param(
                ("/a", "/b", "/c*"),
                [SPLIT],
                [("/a", "/b", "/c*"), ("/c*",), ("/a",), ("/b",)],
                id="the wildcards first",
            ),
            pytest.param(("/d/a'b",), [SPLIT], [("/d/a'b",), ("/d/a*",)], id="a wildcard instead"),
            pytest.param(
                ("/d/a%20b'c-d",),
                [SPLIT] * 3,
                [("/d/a%20b'c-d",), ("/d/a%20b*",), ("/d/a*",)],
                id="each wildcard in turn",
            ),
            pytest.param(("/a", "/b"), [FINAL], [("/a", "/b")], id="for good"),
        ],
    )
    def test_what_is_left_of_a_batch_goes_before_the_next_batch(
        self, items: tuple[str, ...], answers: list[CallError | None], calls: list[tuple[str, ...]]
    ) -> None:
        scripted = Scripted(list(answers))
        scripted.submit(*planned(*items), *planned("/next"), terms=Terms(deadline=600))
        assert scripted.calls == [*calls, ("/next",)]


class TestTerms:
    @pytest.mark.parametrize("item", ["/a", "/a*"])
    @pytest.mark.parametrize(
        ("terms", "times"),
        [
            pytest.param(Terms(deadline=600), [8.0], id="after the refusal"),
            pytest.param(Terms(deadline=600, longest_wait=8.0), [8.0], id="as long as it may wait"),
            pytest.param(Terms(deadline=600, longest_wait=7.9), [], id="longer than it may wait"),
            pytest.param(Terms(deadline=8.1), [8.0], id="just in time"),
            pytest.param(Terms(deadline=8.0), [7.0], id="a last try a second before the end"),
            pytest.param(Terms(deadline=1.5), [0.5], id="a last try before long"),
            pytest.param(Terms(deadline=1.0), [], id="no time for a last try"),
            pytest.param(Terms(deadline=0.0), [], id="no time"),
        ],
    )
    def test_when_a_call_is_made_that_a_refusal_holds_up(
        self, item: str, terms: Terms, times: list[float]
    ) -> None:
        memory = Memory()
        (refused,) = planned(item)
        memory.refusals.refused(refused, Verdict.FULL, "ESITE: full", 0.0, 0.5)
        scripted = Scripted([])
        (outcome,) = scripted.submit(refused, terms=terms, memory=memory)
        assert scripted.times == times
        if not times:
            assert outcome.error == "ESITE: full; its messages go back to be planned again"
            assert (outcome.status, outcome.retry_at) == ("deferred", 8.0)

    @pytest.mark.parametrize(
        ("seconds", "answers", "deferred", "reason"),
        [
            pytest.param(20, [SPLIT], {"/a", "/b"}, "ESITE: SPLIT", id="both parts"),
            pytest.param(10, [SPLIT], {"/b"}, "ESITE: SPLIT", id="the second part"),
            pytest.param(20, [TOO_LARGE], {"/a", "/b"}, "ESITE: TOO_LARGE", id="both halves"),
            pytest.param(20, [LOST], {"/a", "/b"}, "ESITE: lost", id="no answer"),
        ],
    )
    def test_what_is_left_of_a_batch_says_why_it_was_not_accepted(
        self, seconds: float, answers: list[CallError | None], deferred: set[str], reason: str
    ) -> None:
        scripted = Scripted(list(answers), seconds)
        outcomes = scripted.submit(*planned("/a", "/b"), terms=Terms(deadline=15))
        left = [each for each in outcomes if each.status == "deferred"]
        assert {item for each in left for item in each.invalidation.items} == deferred
        assert {each.error for each in left} == {f"{reason}; its messages go back to be planned again"}
        assert {each.doubtful for each in left} == {answers == [LOST]}

    def test_a_wildcard_without_an_answer_is_deferred_as_the_name_that_it_replaces(self) -> None:
        """The name is planned anew; to repeat the wildcard exactly would need a plan that has it."""
        scripted = Scripted([SPLIT, LOST], seconds=10)
        (outcome,) = scripted.submit(*planned("/d/a'b"), terms=Terms(deadline=15))
        assert scripted.calls == [("/d/a'b",), ("/d/a*",)]
        assert (outcome.status, outcome.invalidation.items, outcome.doubtful) == (
            "deferred",
            ("/d/a'b",),
            False,
        )

    @pytest.mark.parametrize(("waits", "status"), [(True, "deferred"), (False, "refused")])
    def test_a_missing_permission_is_waited_for_only_where_a_queue_can_wait(
        self, waits: bool, status: str
    ) -> None:
        denied = CallError(Verdict.DENIED, "ESITE: denied")
        scripted = Scripted([denied] * 9)
        (outcome,) = scripted.submit(*planned("/a"), terms=Terms(deadline=5, waits_for_permission=waits))
        assert outcome.status == status
        assert outcome.error.startswith("ESITE: denied")

    def test_an_item_of_a_request_is_replaced_by_no_wildcard(self) -> None:
        scripted = Scripted([SPLIT])
        (outcome,) = scripted.submit(
            *planned("/d/a'b"), terms=Terms(deadline=600, verbatim=frozenset({(SITE, "/d/a'b")}))
        )
        assert scripted.calls == [("/d/a'b",)]
        assert (outcome.status, outcome.error) == ("refused", '"/d/a\'b" of ESITE: SPLIT')

    def test_an_item_of_a_request_is_not_paid_for_by_the_allowance_of_changes(self) -> None:
        memory = Memory()
        before = memory.path_allowance("ESITE", 4_000, 0.0).left(0.0)
        terms = Terms(deadline=600, verbatim=frozenset({(SITE, "/a")}))
        Scripted([]).submit(*planned("/a", "/b", "/c"), terms=terms, memory=memory)
        assert memory.path_allowances["ESITE"].left(0.0) == before - 2

    def test_a_call_without_an_answer_may_have_been_paid_for(self) -> None:
        memory = Memory()
        before = memory.path_allowance("ESITE", 4_000, 0.0).left(0.0)
        Scripted([LOST]).submit(*planned("/a", "/b"), terms=Terms(deadline=0.1), memory=memory)
        assert memory.path_allowances["ESITE"].left(0.0) == before - 2


class TestCrowded:
    """Others have a part of the quota in progress, for longer than one wait."""

    @pytest.mark.parametrize(
        ("items", "answers", "calls"),
        [
            pytest.param(("/a*", "/b*"), [], [("/a*",), ("/b*",)], id="others-are-done-by-then"),
            pytest.param(
                ("/a*", "/b*", "/c*", "/d"),
                [None, FULL],
                [("/a*", "/d"), ("/b*", "/c*"), ("/b*",), ("/c*",)],
                id="wildcards-with-all-files-in-the-first-part",
            ),
            pytest.param(
                ("/a", "/b", "/c", "/d"),
                [None, FULL],
                [("/a",), ("/b", "/c", "/d"), ("/b", "/c"), ("/d",)],
                id="files",
            ),
            pytest.param(
                ("/a*", "/b*", "/c*"),
                [FULL, FULL],
                [("/a*",), ("/a*",), ("/a*",), ("/b*", "/c*")],
                id="not-one-fits-before-a-while",
            ),
        ],
    )
    def test_what_fits_is_sent(
        self, items: tuple[str, ...], answers: list[CallError | None], calls: list[tuple[str, ...]]
    ) -> None:
        scripted = Scripted([FULL, *answers])
        outcomes = scripted.submit(*planned(*items), terms=Terms(deadline=600))
        assert scripted.calls == [items, *calls]
        assert set(statuses(outcomes).values()) == {"accepted"}

    def test_while_not_one_wildcard_fits_each_try_is_one_call(self) -> None:
        memory = Memory()
        scripted = Scripted([FULL] * 100)
        scripted.submit(*planned("/a*", "/b*", "/c*", "/d*", "/e"), terms=Terms(deadline=120), memory=memory)
        assert scripted.calls[0] == ("/a*", "/b*", "/c*", "/d*", "/e")
        assert set(scripted.calls[1:]) == {("/a*", "/e")}
        scripted.calls.clear()
        scripted.now += 1
        scripted.submit(*planned("/a*", "/b*"), terms=Terms(deadline=scripted.now + 60), memory=memory)
        assert set(scripted.calls) == {("/a*",)}, "the next plan tries one first"

    def test_a_call_that_got_no_answer_is_repeated_as_it_was(self) -> None:
        """It may have been accepted, and has a reference of its own."""
        scripted = Scripted([LOST, FULL])
        scripted.submit(*planned("/a*", "/b*"), terms=Terms(deadline=600))
        assert scripted.calls == [("/a*", "/b*")] * 3


class TestRounds:
    def test_wildcards_over_fifteen_go_in_rounds_that_wait_for_one_another(self, harness: Harness) -> None:
        outcomes = harness.submit(*planned(*(f"/{number:02}*" for number in range(40))))
        assert set(statuses(outcomes).values()) == {"accepted"}
        times = [call.time - harness.cloudfront.calls[0].time for call in harness.cloudfront.calls]
        assert harness.answers().count("Created") == 3
        assert times[:2] == [0, 25]

    def test_the_next_invocation_knows_the_rounds_of_the_last_one(self, harness: Harness) -> None:
        memory = Memory()
        wildcards = [f"/{number:02}*" for number in range(15)]
        harness.submit(*planned(*wildcards), memory=memory)
        harness.submit(*planned(*(f"/again{wildcard}" for wildcard in wildcards)), memory=memory)
        assert harness.answers() == ["Created", "Created"]

    def test_three_thousand_files_go_at_once_and_more_wait(
        self, harness: Harness, session: boto3.Session
    ) -> None:
        # On a busy machine the double takes longer for so many paths than the other tests wait.
        harness.client = session.client("cloudfront", endpoint_url=harness.client.meta.endpoint_url)
        outcomes = harness.submit(*planned(*(f"/{number}" for number in range(3_001))))
        assert set(statuses(outcomes).values()) == {"accepted"}
        assert harness.answers() == ["Created", "Created"]

    def test_a_quota_held_for_ten_minutes_costs_a_call_in_twenty_seconds_at_most(
        self, harness: Harness
    ) -> None:
        harness.cloudfront.hold("ESITE", files=3_000, seconds=600)
        outcomes = harness.submit(*planned("/a"), seconds=900)
        assert statuses(outcomes) == {"/a": "accepted"}
        assert len(harness.cloudfront.calls) <= 30


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_exactly_the_poison_is_refused_and_all_else_accepted(harness: Harness, data: st.DataObject) -> None:
    run = len(harness.cloudfront.calls)
    count = data.draw(st.integers(1, 60))
    items = [f"/run{run}/{number:02}" for number in range(count)]
    poison = data.draw(st.sets(st.sampled_from(items), max_size=5))
    harness.cloudfront.refused = frozenset(poison)
    harness.time[0] += 3_600
    outcomes = harness.submit(*planned(*items), seconds=math.inf)
    assert statuses(outcomes) == {item: "refused" if item in poison else "accepted" for item in items}
    blamed = {id_ for each in outcomes if each.status == "refused" for id_ in each.invalidation.message_ids}
    assert blamed == {f"message of {item}" for item in poison}


class TestHalving:
    @pytest.mark.parametrize("position", [0, 1, 1_499, 1_500, 2_998, 2_999])
    def test_one_poison_path_among_3000_takes_few_calls(self, harness: Harness, position: int) -> None:
        items = [f"/{number:04}" for number in range(3_000)]
        harness.cloudfront.refused = frozenset({items[position]})
        outcomes = harness.submit(*planned(*items))
        refused = [outcome for outcome in outcomes if outcome.status == "refused"]
        assert [outcome.invalidation.items for outcome in refused] == [(items[position],)]
        assert "InvalidArgument" in refused[0].error
        assert len(harness.cloudfront.calls) <= 2 * math.log2(3_000) + 2

    def test_a_batch_too_large_is_halved_and_no_item_is_refused(self, session: boto3.Session) -> None:
        client = session.client("cloudfront")
        (invalidation,) = planned("/a", "/b")
        with Stubber(client) as stubber:
            stubber.add_client_error("create_invalidation", "BatchTooLarge", http_status_code=413)
            stubber.add_response("create_invalidation", TestCalls.ANSWER)
            stubber.add_response("create_invalidation", TestCalls.ANSWER)
            outcomes = submit([invalidation], clients=lambda _: client, deadline=math.inf)
        assert statuses(outcomes) == {"/a": "accepted", "/b": "accepted"}

    def test_a_fault_amid_the_halving_loses_no_half(self, harness: Harness) -> None:
        harness.cloudfront.refused = frozenset({"/3"})
        harness.cloudfront.fault_script = ["", "reset", "lost-answer", "denied"]
        outcomes = harness.submit(*planned(*(f"/{number}" for number in range(8))))
        found = statuses(outcomes)
        assert found.keys() == {f"/{number}" for number in range(8)}
        assert found["/3"] == "refused"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    # A read time-out is a lost answer that takes its real time; it has a test of its own.
    faults=st.lists(st.sampled_from(["", *sorted({*FAULTS} - {"time-out"})]), max_size=12),
    files=st.integers(0, 30),
    wildcards=st.integers(0, 40),
    seconds=st.sampled_from([5, 45, 105]),
    poison=st.booleans(),
)
def test_whatever_happens_every_item_has_one_outcome_and_accepted_ones_were_created(
    harness: Harness, *, faults: list[str], files: int, wildcards: int, seconds: float, poison: bool
) -> None:
    run = len(harness.cloudfront.calls)
    items = [f"/{run}/f{number}" for number in range(files)] + [
        f"/{run}/w{number:02}*" for number in range(wildcards)
    ]
    harness.cloudfront.refused = frozenset(items[:1] if poison else [])
    harness.cloudfront.fault_script = faults
    harness.time[0] += 3_600
    outcomes = harness.submit(*planned(*items), seconds=seconds)
    found = statuses(outcomes)
    assert found.keys() == set(items)
    for outcome in outcomes:
        if outcome.status == "accepted":
            assert harness.cloudfront.invalidations[outcome.id].items == outcome.invalidation.items
        else:
            assert outcome.error


class TestCompletion:
    def awaited(
        self, harness: Harness, outcomes: Sequence[Outcome], seconds: float = 4
    ) -> tuple[Outcome, ...]:
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds
            assert now[0] < 3_600, "it ends"

        clock = Clock(now=lambda: now[0], sleep=sleep)
        return await_completion(outcomes, clients=lambda _: harness.client, deadline=seconds, clock=clock)

    @pytest.mark.parametrize("target", [SITE, TENANT], ids=["distribution", "tenant"])
    def test_an_invalidation_is_complete_when_cloudfront_says_so(
        self, harness: Harness, target: Target
    ) -> None:
        outcomes = harness.submit(*planned("/a", target=target))
        harness.time[0] += 600
        assert [outcome.progress for outcome in self.awaited(harness, outcomes)] == ["Completed"]

    @pytest.mark.parametrize(
        ("deadline", "looks"),
        [(0, []), (1, [0]), (5, [0]), (6, [0, 5]), (100, [0, 5, 10])],
        ids=["no time", "a second", "up to the second look", "past the second look", "until it is complete"],
    )
    def test_it_looks_every_five_seconds_until_it_is_complete_or_its_time_is_up(
        self, deadline: float, looks: list[float]
    ) -> None:
        now, found, targets = [0.0], [], []

        def look(**_: object) -> object:
            found.append(now[0])
            return {"Invalidation": {"Status": "Completed" if now[0] >= 10 else "InProgress"}}

        def client(target: Target) -> Any:
            targets.append(target)
            return SimpleNamespace(get_invalidation=look)

        def sleep(seconds: float) -> None:
            now[0] += seconds
            assert now[0] < 3_600, "it ends"

        running = Outcome(planned("/a")[0], "accepted", id="I1", progress="InProgress")
        complete = Outcome(planned("/b", target=OTHER)[0], "accepted", id="I2", progress="Completed")
        clock = Clock(now=lambda: now[0], sleep=sleep)
        first, second = await_completion([running, complete], clients=client, deadline=deadline, clock=clock)
        assert found == looks
        assert set(targets) <= {SITE}, "what is complete is not looked at"
        assert first.progress == ("Completed" if deadline == 100 else "InProgress")
        assert second == complete
        assert now[0] == (looks or [0])[-1], "no wait without a look after it"

    def test_when_time_is_up_it_is_still_in_progress_and_no_error(self, harness: Harness) -> None:
        (awaited,) = self.awaited(harness, harness.submit(*planned("/a")))
        assert (awaited.status, awaited.progress, awaited.error) == ("accepted", "InProgress", "")

    def test_what_was_not_accepted_is_not_waited_for(self, harness: Harness) -> None:
        outcomes = harness.submit(*planned("/a", target=Target("EGONE")))
        assert self.awaited(harness, outcomes) == outcomes

    @pytest.mark.parametrize(
        "error",
        [
            botocore.exceptions.ReadTimeoutError(endpoint_url="https://x"),
            botocore.exceptions.NoCredentialsError(),
            botocore.parsers.ResponseParserError("no XML"),
            ClientError({"Error": {"Code": "Throttling"}}, "GetInvalidation"),
        ],
        ids=lambda error: type(error).__name__,
    )
    @pytest.mark.parametrize("fails", ["client", "call"])
    def test_no_look_is_answered(self, error: Exception, fails: str) -> None:
        """It ends in time, without an exception; a look takes 13 s here, and there are two invalidations."""
        now = [0.0]
        looks: list[float] = []

        def look(**_: object) -> object:
            looks.append(now[0])
            now[0] += 13
            raise error

        def client(_: Target) -> Any:
            return look() if fails == "client" else SimpleNamespace(get_invalidation=look)

        def sleep(seconds: float) -> None:
            now[0] += seconds

        outcomes = [
            Outcome(each, "accepted", id="I1", progress="InProgress")
            for each in (*planned("/a"), *planned("/b", target=OTHER))
        ]
        clock = Clock(now=lambda: now[0], sleep=sleep)
        assert await_completion(outcomes, clients=client, deadline=100.0, clock=clock) == tuple(outcomes)
        assert len(looks) > 3
        assert max(looks) < 100

    def test_without_permission_to_look_the_answer_says_how_to_get_it(self, session: boto3.Session) -> None:
        client = session.client("cloudfront")
        outcome = Outcome(planned("/a")[0], "accepted", id="I1", progress="InProgress")
        with Stubber(client) as stubber:
            stubber.add_client_error("get_invalidation", "AccessDenied", "No.", http_status_code=403)
            (awaited,) = await_completion([outcome], clients=lambda _: client, deadline=time.monotonic() + 60)
        assert awaited.status == "accepted"
        assert awaited.error == (
            "ESITE: invalidation I1 was created, but it cannot be waited for: No. – "
            "set allow_wait = true in the module, or send the request without wait"
        )

    @pytest.mark.parametrize(
        ("code", "role", "advice"),
        [
            (
                "AccessDenied",
                "arn:aws:iam::111122223333:role/invalidate",
                " – let the role arn:aws:iam::111122223333:role/invalidate do cloudfront:GetInvalidation, "
                "in its own account, or send the request without wait",
            ),
            ("NoSuchInvalidation", "", ""),
        ],
        ids=["assumed-role", "gone"],
    )
    def test_advice_on_a_refused_look_fits_its_cause(
        self, session: boto3.Session, code: str, role: str, advice: str
    ) -> None:
        client = session.client("cloudfront")
        (wanted,) = planned("/a", target=Target("ESITE", role_arn=role))
        outcome = Outcome(wanted, "accepted", id="I1", progress="InProgress")
        with Stubber(client) as stubber:
            stubber.add_client_error("get_invalidation", code, "No.", http_status_code=403)
            (awaited,) = await_completion([outcome], clients=lambda _: client, deadline=time.monotonic() + 60)
        assert awaited.error == (
            f"ESITE: invalidation I1 was created, but it cannot be waited for: No.{advice}"
        )

    @pytest.mark.parametrize(
        ("response", "code"), [({"Error": {"Code": "AccessDenied"}}, "AccessDenied"), ({}, "Unknown")]
    )
    def test_a_refusal_without_a_message_is_named_by_its_code(self, response: Any, code: str) -> None:
        def refuse(**_: object) -> object:
            raise ClientError(response, "GetInvalidation")

        outcome = Outcome(planned("/a")[0], "accepted", id="I1", progress="InProgress")
        client = SimpleNamespace(get_invalidation=refuse)
        (awaited,) = await_completion([outcome], clients=lambda _: client, deadline=time.monotonic() + 60)
        assert f"({code}) when calling the GetInvalidation operation" in awaited.error


def test_a_role_that_cannot_be_assumed_is_told_from_a_distribution_that_may_not_be_invalidated() -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")
    failure = explain(refused, Target("E1", role_arn="arn:aws:iam::111122223333:role/invalidate"))
    assert failure.verdict is Verdict.DENIED
    assert failure.text == (
        "E1: AssumeRole was refused, AccessDenied: no – let the route's role_arn trust the function's role "
        "(output role_arn), and check that it exists"
    )


@pytest.mark.parametrize(
    ("role", "step"),
    [
        ("", NEXT_STEP["AccessDenied"]),
        (
            "arn:aws:iam::111122223333:role/invalidate",
            "let the role arn:aws:iam::111122223333:role/invalidate do cloudfront:CreateInvalidation, "
            "in its own account",
        ),
    ],
    ids=["own", "assumed"],
)
def test_a_missing_permission_is_one_of_the_role_that_made_the_call(role: str, step: str) -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "CreateInvalidation")
    failure = explain(refused, Target("E1", role_arn=role))
    assert failure.text == f"E1: CreateInvalidation was refused, AccessDenied: no – {step}"


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ({"Error": {"Code": "New", "Message": "no"}}, "E1: CreateInvalidation was refused, New: no"),
        ({"Error": {"Code": "New"}}, "E1: CreateInvalidation was refused, New: "),
        ({"Error": {"Message": "no"}}, "E1: CreateInvalidation was refused, Unknown: no"),
        ({}, "E1: CreateInvalidation was refused, Unknown: "),
    ],
    ids=["code and message", "code alone", "message alone", "nothing"],
)
def test_a_refusal_is_explained_with_what_cloudfront_says_of_it(response: Any, text: str) -> None:
    failure = explain(ClientError(response, "CreateInvalidation"), Target("E1"))
    assert (failure.verdict, failure.text, str(failure)) == (Verdict.FINAL, text, text)


def test_an_error_of_the_sdk_is_final_and_named() -> None:
    failure = explain(botocore.exceptions.NoCredentialsError(), Target("E1"))
    assert (failure.verdict, failure.answered) == (Verdict.FINAL, True)
    assert failure.text == "E1: NoCredentialsError: Unable to locate credentials"


@pytest.mark.parametrize("char", ["'", "~", "@", "("])
def test_refused_names_are_covered_by_a_wildcard_that_purges_no_neighbour(
    harness: Harness, char: str
) -> None:
    names = [f"/docs/page-{number:02}.html" for number in range(41)]
    doubtful = [f"/docs/its{number}{char}s.html" for number in range(3)]
    harness.cloudfront.refused = frozenset(doubtful)
    outcomes = harness.submit(*planned(*names, *doubtful))
    accepted = {item for each in outcomes if each.status == "accepted" for item in each.invalidation.items}
    assert {each.status for each in outcomes} == {"accepted"}
    assert accepted == {*names, *(f"/docs/its{number}*" for number in range(3))}
    assert {each.replaces for each in outcomes} - {""} == set(doubtful)
    assert len(harness.cloudfront.calls) <= 25


ESCAPED_MARKS = [f"%{ord(char):02X}" for char in ' "#%+<>?[\\]^`{|}~\x01\x7f'] + ["%C3%A9", "%F0%9F%98%80"]


@pytest.mark.parametrize("mark", [*"!$&'()*+,-.:;=@_", *ESCAPED_MARKS])
def test_any_refused_character_costs_at_most_25_calls(harness: Harness, mark: str) -> None:
    """Whatever character CloudFront refuses, and whatever other marks the names have."""
    chance = random.Random(mark)  # noqa: S311 - repeatable by its seed
    others = [each for each in ("-", "_", ",", "(", "@", "%20", "%C3%A9") if each != mark]
    suffix = "" if mark == "." else ".html"
    plain = [f"/d{number % 9}/p{chance.choice(others)}{number:02}{suffix}" for number in range(41)]
    refused = [
        f"/top{mark}1{suffix}",
        f"/d1/x{chance.choice(others)}2{mark}2{suffix}",
        f"/d2/y/z{mark}{mark}3{suffix}",
    ]
    harness.cloudfront.refused_texts = frozenset({mark})
    outcomes = harness.submit(*planned(*plain, *refused))
    accepted = {item for each in outcomes if each.status == "accepted" for item in each.invalidation.items}
    assert {each.status for each in outcomes} == {"accepted"}
    assert {each.replaces for each in outcomes} - {""} == set(refused)
    assert accepted >= set(plain)
    wildcards = accepted - set(plain)
    assert all(any(covers(each, path) for each in wildcards) for path in refused)
    assert not any(covers(each, path) for each in wildcards for path in plain)
    assert "/*" not in wildcards
    assert len(harness.cloudfront.calls) <= 25


@pytest.mark.parametrize(
    ("path", "wildcards"),
    [
        ("/docs/it's.html", ["/docs/it*"]),
        ("/docs/a-b@c.html", ["/docs/a-b*", "/docs/a*"]),
        ("/my-uploads/@x", ["/my-uploads/*"]),
        ("/my-uploads/plain", []),
        ("/my-uploads/../x", ["/my-uploads/*"]),
        ("/docs/%C3%A9-1", ["/docs/*"]),
        ("/-x", []),
        ("#tag-1", []),
        ("#docs/a-b", []),
    ],
)
def test_wildcards_instead_of_a_refused_name(path: str, wildcards: list[str]) -> None:
    """No mark cuts a directory in two, so that no route's prefix is left."""
    assert list(doubt.wildcards_instead(path, 0)) == wildcards


@pytest.mark.parametrize(
    ("names", "counted"),
    [(["/a.html", "/b.html"], 2), (["/a@.html", "/b%20.html"], 0), (["/@", "/a"], 2)],
    ids=["not explained by a character", "explained and replaced", "given up"],
)
def test_refused_names_that_make_the_next_plans_merge(
    harness: Harness, names: list[str], counted: int
) -> None:
    """A name with a character in doubt counts only where it is given up."""
    harness.cloudfront.refused = frozenset(names)
    memory = Memory()
    harness.submit(*planned(*names, "/c"), memory=memory)
    assert memory.recently_refused_names(SITE, harness.time[0]) == counted


def test_a_wildcard_too_broad_excludes_no_tighter_one() -> None:
    assert doubt.wildcards_instead("/a@b/c/d-e", 2) == ("/a@b/c/d*",)


def test_a_refused_item_is_named(harness: Harness) -> None:
    harness.cloudfront.refused = frozenset({"/a", "/b"})
    outcomes = harness.submit(*planned("/a", "/b", "/c"))
    assert {each.invalidation.items[0]: each.error.split(" of ")[0] for each in outcomes if each.error} == {
        "/a": "'/a'",
        "/b": "'/b'",
    }
