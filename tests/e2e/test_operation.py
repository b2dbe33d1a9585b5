"""What an operator finds: the record of each batch, and its metrics."""

from __future__ import annotations

from typing import Any

from tests.support.deployments import Deployment, eventually

METRICS = {
    "Age",
    "Blind",
    "Deferred",
    "EstimatedCost",
    "Invalidations",
    "Paths",
    "RefusedPaths",
    "Wildcards",
}


def test_a_plan_leaves_one_record_and_its_metrics_in_the_log_group(queued: Deployment) -> None:
    before = queued.invalidations()
    queued.upload("operated.html")
    (id_,) = eventually(lambda: queued.invalidations(since=before), bool)

    def records() -> list[dict[str, Any]]:
        return [record for record in queued.log() if id_ in record.get("submitted", ())]

    (record,) = eventually(records, bool)
    assert record["message"] == "plan"
    assert (record["chunks"], record["planned_paths"], record["submitted_paths"]) == (1, 1, 1)
    assert (record["refused_paths"], record["deferred_paths"], record["failed_messages"]) == (0, 0, 0)
    assert 0 <= record["age_seconds"] < 90

    # Those of a request have `Changes`.
    documents = [found for found in queued.log() if "Blind" in found and "Changes" not in found]
    assert documents
    for document in documents:
        (declared,) = document["_aws"]["CloudWatchMetrics"]
        assert declared["Namespace"] == "CloudFrontInvalidation"
        assert declared["Dimensions"] == [["FunctionName"]]
        assert document["DistributionId"] == queued.distribution_id
        assert {metric["Name"] for metric in declared["Metrics"]} == METRICS
        assert all(document[name] >= 0 for name in METRICS)


def test_the_log_holds_no_payload_and_no_credential(queued: Deployment) -> None:
    queued.invoke({"paths": ["/logged"]})
    log = str(eventually(queued.log, bool))
    assert "batch" in log
    for secret in ("eventSource", "Records", "SETTINGS", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        assert secret not in log
