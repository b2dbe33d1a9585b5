"""What Terraform makes, changes and removes."""

from __future__ import annotations

import json

from tests.support.deployments import Deployment

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
