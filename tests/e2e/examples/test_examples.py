"""Every example applies as it stands, and does what its first line says."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from scripts.terraform import ROOT
from tests.doubles.cloudfront_server import CloudFront
from tests.e2e import shell
from tests.support.deployments import Deployment, eventually
from tests.support.examples import EXAMPLES, INPUTS


def test_every_example_is_among_these_tests() -> None:
    assert set(INPUTS) == {path.parent.name for path in (ROOT / "examples").glob("*/main.tf")}


@pytest.mark.parametrize("example", EXAMPLES, indirect=True)
def test_an_example_applies_and_its_function_can_say_what_it_would_do(example: Deployment) -> None:
    """MiniStack has no CodePipeline: of the example `pipeline` the module alone is applied."""
    settings = example.function_settings()
    target = next(iter(settings["routes"].values()))
    (kind,) = {"distribution_id", "distribution_tenant_id"} & set(target)
    answer = example.invoke({"distribution_id": target[kind], "paths": ["/a"], "dry_run": True})
    assert [(each[kind], each["items"]) for each in answer["invalidations"]] == [(target[kind], ["/a"])]


def test_cross_account_invalidates_in_the_name_of_the_other_accounts_role(cross_account: Deployment) -> None:
    cross_account.upload("a.html")
    assert eventually(cross_account.items, bool) == ["/a.html"]


def test_direct_hands_out_commands_that_invalidate_and_rehearse(direct: Deployment) -> None:
    def request(command: str) -> object:
        words = shlex.split(command)
        assert words[:3] == ["aws", "lambda", "invoke"]
        options = dict(zip(words[3:-1:2], words[4:-1:2], strict=True))
        assert options["--function-name"] == direct.name
        return json.loads(options["--payload"])

    assert direct.invoke(request(direct.outputs["dry_run_command"]))["body"] == "Dry run: nothing was created"
    assert direct.items() == []
    direct.invoke(request(direct.outputs["invoke_command"]))
    assert direct.items() == ["/*"]


HARD_NAMES = {
    'it\'s "new" ü.html': ["/it's%20%22new%22%20%C3%BC.html", "/it's+%22new%22+%C3%BC.html"],
    "docs/x to s3:/example-site/y.css": [
        "/docs/x%20to%20s3:/example-site/y.css",
        "/docs/x+to+s3:/example-site/y.css",
    ],
    "back\\slash.txt": ["/back%5Cslash.txt"],
    "$(id);`id`.txt": ["/$(id);%60id%60.txt"],
    "tab\t.txt": ["/tab%09.txt"],
    "-n": ["/-n"],
}
"""Name → the paths of its viewers."""


def test_deploy_step_invalidates_exactly_what_its_sync_changed(
    deploy_step: Deployment, tmp_path: Path
) -> None:
    step, variables = deploy_step, shell.environment(deploy_step.aws, tmp_path)
    folder = step.stack.directory / "public"
    deploy = step.outputs["deploy_command"]

    def made_by(command: str) -> list[list[str]]:
        before = step.invalidations()
        shell.run(command, variables, step.stack.directory)
        return sorted(step.invalidations(since=before).values())

    for name in HARD_NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("old", encoding="utf-8")
    assert made_by(deploy) == [sorted(path for paths in HARD_NAMES.values() for path in paths)]
    assert made_by(deploy) == []

    (folder / "-n").unlink()
    (folder / "tab\t.txt").write_text("changed", encoding="utf-8")
    assert made_by(f"REQUEST_BYTES=10 {deploy} --delete") == [["/-n"], ["/tab%09.txt"]]

    notified = step.aws.client("s3").get_bucket_notification_configuration(Bucket=step.bucket)
    assert not {"LambdaFunctionConfigurations", "QueueConfigurations", "TopicConfigurations"} & set(notified)


def test_deploy_step_fails_where_the_function_refuses_its_request(
    deploy_step: Deployment, tmp_path: Path
) -> None:
    """An upload to a bucket that no route serves succeeds, and so does the call: the answer is an error."""
    step, before = deploy_step, deploy_step.invalidations()
    step.aws.client("s3").create_bucket(Bucket="unserved")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.html").write_text("a", encoding="utf-8")
    command = f"./deploy.sh {folder} unserved {step.name}"
    told = shell.run(
        f"if {command}; then exit 1; fi", shell.environment(step.aws, tmp_path), step.stack.directory
    )
    assert "upload: ./a.html to s3://unserved/a.html" in told
    assert "no route serves the bucket 'unserved'" in told
    assert step.invalidations(since=before) == {}


def test_nightly_purge_invalidates_everything_when_its_schedule_fires(nightly_purge: Deployment) -> None:
    """The test sets the rule to fire each minute, and so need not wait until three o'clock."""
    events = nightly_purge.aws.client("events")
    (rule,) = events.list_rules(NamePrefix=nightly_purge.name)["Rules"]
    assert rule["ScheduleExpression"] == "cron(0 3 * * ? *)"
    events.put_rule(Name=rule["Name"], ScheduleExpression="rate(1 minute)")
    assert "/*" in eventually(nightly_purge.items, bool, seconds=150)


def test_on_apply_invalidates_when_content_changed_and_only_then(on_apply: Deployment) -> None:
    assert on_apply.items() == ["/*"]
    on_apply.stack.apply()
    assert on_apply.items() == ["/*"]
    page = on_apply.stack.directory / "content" / "index.html"
    page.write_text(page.read_text(encoding="utf-8") + "<!-- changed -->", encoding="utf-8")
    on_apply.stack.apply()
    assert on_apply.items() == ["/*", "/*"]


def test_shared_bucket_eventbridge_leaves_the_notifications_of_others_as_they_were(
    shared_bucket_eventbridge: Deployment,
) -> None:
    shared = shared_bucket_eventbridge
    shared.upload("a b.html")
    assert eventually(shared.items, bool) == ["/a%20b.html", "/a+b.html"]

    configuration = shared.aws.client("s3").get_bucket_notification_configuration(Bucket=shared.bucket)
    (theirs,) = configuration["QueueConfigurations"]
    assert theirs["QueueArn"].endswith(":of-another-team")
    sqs = shared.aws.client("sqs")
    queue_url = sqs.get_queue_url(QueueName="of-another-team")["QueueUrl"]
    got = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)["Messages"]
    assert any("a+b.html" in message["Body"] for message in got)


def test_tenants_get_the_invalidations_of_their_own_folders_alone(
    tenants: Deployment, strict_cloudfront: CloudFront
) -> None:
    """At the strict CloudFront: MiniStack's IAM knows no ARN of a tenant, and so denies the call."""
    ids = tenants.stack.variables["tenant_ids"]
    assert isinstance(ids, dict)

    def made() -> list[tuple[str, str, tuple[str, ...]]]:
        accepted = strict_cloudfront.invalidations.values()
        return [(each.kind, each.target, each.items) for each in accepted if each.target in ids.values()]

    tenants.upload("red/index.html", "nobody/a.html")
    assert eventually(made, bool) == [("distribution-tenant", ids["red"], ("/", "/index.html"))]


def test_topic_fan_out_invalidates_what_the_bucket_tells_the_topic(topic_fan_out: Deployment) -> None:
    topic_fan_out.upload("é b.html")
    assert eventually(topic_fan_out.items, bool) == ["/%C3%A9%20b.html", "/%C3%A9+b.html"]


def test_two_sites_one_bucket_invalidates_each_folder_at_its_own_distribution(
    two_sites_one_bucket: Deployment,
) -> None:
    sites, ids = two_sites_one_bucket, two_sites_one_bucket.outputs["distribution_ids"]
    sites.upload("docs/a.html", "shop/b.html", "neither/c.html", to="example-site")

    def made() -> dict[str, list[list[str]]]:
        return {name: list(sites.aws.invalidations(id_).values()) for name, id_ in ids.items()}

    both = eventually(made, lambda found: all(found.values()))
    assert both == {"docs": [["/a.html"]], "shop": [["/b.html"]]}


def test_everything_serves_each_bucket_by_its_own_routes(everything: Deployment) -> None:
    everything.upload("a.html")
    everything.upload("docs/b.html", "docs/b.css", to=str(everything.stack.variables["shared_bucket"]))
    paths = {"/a", "/a?*", "/a.html", "/a.html?*", "/b.html"}
    assert set(eventually(everything.items, lambda items: paths <= set(items))) == paths


def test_everything_takes_requests_from_a_topic_and_from_a_rule(everything: Deployment) -> None:
    request = {"distribution_id": everything.distribution_id, "paths": ["/by-topic", "/by-topic/*"]}
    topic_arn = everything.stack.variables["topic_arn"]
    everything.aws.client("sns").publish(TopicArn=topic_arn, Message=json.dumps(request))
    assert eventually(lambda: everything.has_invalidated("/by-topic", "/by-topic/*"), bool)

    got = everything.aws.client("lambda").get_function_configuration(FunctionName=everything.name)
    events = everything.aws.client("events")
    events.put_targets(Rule="releases", Targets=[{"Id": "function", "Arn": got["FunctionArn"]}])
    detail = json.dumps({**request, "paths": ["/by-rule"]})
    events.put_events(Entries=[{"Source": "release", "DetailType": "Released", "Detail": detail}])
    assert eventually(lambda: everything.has_invalidated("/by-rule"), bool)


def test_everything_is_what_its_second_plan_finds_but_for_the_alarms(everything: Deployment) -> None:
    """MiniStack does not return every attribute of an alarm."""
    planned = everything.stack.changes()
    assert [address for address in planned if "aws_cloudwatch_metric_alarm" not in address] == []


def test_everything_has_alarms_with_actions_and_a_dashboard_of_its_metrics(
    everything: Deployment,
) -> None:
    cloudwatch = everything.aws.client("cloudwatch")
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    notified = {arn for alarm in alarms for arn in alarm["AlarmActions"]}
    assert notified == {everything.stack.variables["on_call_topic_arn"]}
    watched = {alarm["MetricName"] for alarm in alarms if "MetricName" in alarm}
    assert {"ApproximateAgeOfOldestMessage", "Errors", "Throttles"} <= watched

    dashboard = cloudwatch.get_dashboard(DashboardName=everything.outputs["dashboard_name"])
    assert "CloudFrontInvalidation" in dashboard["DashboardBody"]
