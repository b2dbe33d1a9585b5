"""Clients of AWS's services, all made in one session.

They are botocore's, as those of boto3 are. What boto3 adds to them, resources, the function does not use, and
its import takes 13 ms of a whole processor. Another session would read botocore's data anew: 7 ms.
"""

from __future__ import annotations

import functools
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

SERVICES = ["cloudfront", "codepipeline", "s3", "sqs", "sts"]
"""Those that the function calls."""


class _Loader(Loader):
    """botocore's data of the function's services, without two parts that their clients do not need.

    To check a service's name, botocore looks into the folders of all 400: 16 ms of a whole processor. It also
    reads the endpoints of all services, 24 ms and 8 MB, but sends to those of the rules of the service.
    """

    def list_available_services(self, type_name: str) -> list[str]:
        return SERVICES

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        """Of no endpoints, under botocore's own path: any other path would count for more than the rules."""
        if name == "endpoints":
            return {"partitions": []}, self.BUILTIN_DATA_PATH
        return super().load_data_with_path(name)


def client(service: str, config: Config, region_name: str | None = None, **credentials: str) -> Any:
    """A client of the function's own region and role, or of another region, or of temporary credentials."""
    return _session().create_client(service, region_name=region_name, config=config, **credentials)


@functools.cache
def _session() -> Any:
    session = botocore.session.get_session()
    session.register_component("data_loader", _Loader())
    return session
