"""What the local AWS adds to MiniStack, where a test depends on it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from scripts.local_aws import LocalAws

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def test_a_request_that_is_sent_again_is_answered_and_not_carried_out_again(aws: LocalAws) -> None:
    """The provider sends one again whose answer it lost."""
    iam = aws.client("iam")
    invocation = {"id": "first"}

    def mark(request: Any, **_: object) -> None:
        request.headers["amz-sdk-invocation-id"] = invocation["id"]

    iam.create_role(RoleName="repeated", AssumeRolePolicyDocument=json.dumps(POLICY))
    iam.put_role_policy(RoleName="repeated", PolicyName="all", PolicyDocument=json.dumps(POLICY))
    iam.meta.events.register("before-send.iam.DeleteRolePolicy", mark)
    first, again = (iam.delete_role_policy(RoleName="repeated", PolicyName="all") for _ in range(2))
    assert first["ResponseMetadata"]["RequestId"] == again["ResponseMetadata"]["RequestId"]
    invocation["id"] = "another"
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.delete_role_policy(RoleName="repeated", PolicyName="all")
    iam.meta.events.unregister("before-send.iam.DeleteRolePolicy", mark)
