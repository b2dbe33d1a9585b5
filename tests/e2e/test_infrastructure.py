"""What Terraform makes, changes and removes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scripts.stack import Stack, TerraformError
from tests.e2e import edits
from tests.support.deployments import Deployment, write_root

READ_EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
MODULE = "module.invalidation."
INVALIDATE = f"{MODULE}aws_iam_role_policy.invalidate"


def test_lambda_alone_may_assume_the_role(direct_only: Deployment) -> None:
    role = direct_only.aws.client("iam").get_role(RoleName=direct_only.outputs["role_name"])["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_granting_a_permission_and_taking_it_away_updates_one_policy_in_place(
    direct_only: Deployment,
) -> None:
    iam = direct_only.aws.client("iam")
    role = iam.get_role(RoleName=direct_only.outputs["role_name"])["Role"]["RoleId"]
    for granted in (True, False):
        direct_only.with_inputs(allow_wait=granted)
        assert direct_only.stack.apply_changes() == {INVALIDATE: ["update"]}
        if granted:
            answer = direct_only.invoke({"paths": ["/waited-for"], "wait": True})
            assert answer["completed"]
            assert [each["status"] for each in answer["invalidations"]] == ["Completed"]
    assert iam.get_role(RoleName=direct_only.outputs["role_name"])["Role"]["RoleId"] == role


def test_a_second_instance_of_a_name_fails_before_it_shares_anything(
    direct_only: Deployment, tmp_path: Path
) -> None:
    """Without a bucket, all that tells the queues of two instances apart is their name."""
    inputs = {"name": direct_only.name, "distribution_id": direct_only.distribution_id, "buckets": {}}
    second = Stack(write_root(tmp_path / "second", inputs), direct_only.aws.environment)
    second.init()
    with pytest.raises(TerraformError, match=f"EntityAlreadyExists|{direct_only.name} already exists"):
        second.apply()
    assert second.run("state", "list").split() == [
        f"{MODULE}data.aws_caller_identity.current",
        f"{MODULE}data.aws_service.sqs",
    ]
    assert direct_only.stack.changes() == {}


def test_a_queue_that_an_interrupted_apply_has_marked_stays(direct_only: Deployment) -> None:
    """By the command of docs/operations.md. Without it, a replacement would be the queue that exists."""
    queue = f"{MODULE}aws_sqs_queue.changes[0]"
    direct_only.stack.run("taint", queue)
    assert set(direct_only.stack.changes()[queue]) == {"create", "delete"}
    edits.run_as_shown(direct_only, edits.UNTAINT)
    assert direct_only.stack.changes() == {}


def test_policies_edited_added_and_attached_by_hand_are_seen_by_plan_and_gone_after_apply(
    direct_only: Deployment,
) -> None:
    iam, role_name = direct_only.aws.client("iam"), direct_only.outputs["role_name"]
    policy = json.dumps(READ_EVERYTHING)
    managed = iam.create_policy(PolicyName="by-hand", PolicyDocument=policy)["Policy"]["Arn"]
    iam.put_role_policy(RoleName=role_name, PolicyName="invalidate", PolicyDocument=policy)
    iam.put_role_policy(RoleName=role_name, PolicyName="added", PolicyDocument=policy)
    iam.attach_role_policy(RoleName=role_name, PolicyArn=managed)

    assert direct_only.stack.apply_changes() == {
        INVALIDATE: ["update"],
        f"{MODULE}aws_iam_role_policies_exclusive.function": ["update"],
        f"{MODULE}aws_iam_role_policy_attachments_exclusive.function": ["update"],
    }
    assert "added" not in iam.list_role_policies(RoleName=role_name)["PolicyNames"]
    assert iam.list_attached_role_policies(RoleName=role_name)["AttachedPolicies"] == []
    restored = iam.get_role_policy(RoleName=role_name, PolicyName="invalidate")["PolicyDocument"]
    assert [statement["Action"] for statement in restored["Statement"]] == [["cloudfront:CreateInvalidation"]]
    assert direct_only.stack.changes() == {}


def test_destroy_takes_the_notification_from_a_bucket_that_stays(straight: Deployment) -> None:
    s3 = straight.aws.client("s3")
    assert s3.get_bucket_notification_configuration(Bucket=straight.bucket)["LambdaFunctionConfigurations"]
    straight.stack.destroy()
    left = s3.get_bucket_notification_configuration(Bucket=straight.bucket)
    assert "LambdaFunctionConfigurations" not in left


def test_a_bucket_with_an_unknown_name_is_made_and_wired_in_one_apply(made_at_once: Deployment) -> None:
    """Its name has a prefix alone before the apply, so that every ARN and policy of it is unknown at plan."""
    assert made_at_once.stack.changes() == {}
    s3 = made_at_once.aws.client("s3")
    configuration = s3.get_bucket_notification_configuration(Bucket=made_at_once.bucket)
    (notified,) = configuration["QueueConfigurations"]
    assert notified["QueueArn"] == made_at_once.outputs["queue_arn"]
