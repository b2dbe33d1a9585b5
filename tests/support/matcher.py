"""An independent judge: which URLs does CloudFront purge for an item of an invalidation?

Written from its Developer Guide ("Specify the files to invalidate"), and from no code of ours. A URL
is what stands behind the domain name, with its query string where there is one.

- An item is matched with the URL as viewers write it, case and all.
- `*` as the last character stands for any characters, none included; anywhere else it is no wildcard.
- An item without a query string purges the copy that was cached without one.
- `/dir/*` purges "all files in a directory"; whether it purges `/dir/`, too, is disputed, but for `/*`,
  which purges everything.

So there are two judgements, and each takes the disputed case against the code under test: what is
surely purged is not stale, and what may be purged is the collateral.
"""

from __future__ import annotations


def surely_purges(item: str, url: str) -> bool:
    """Whether no copy of that URL is left, under either reading of the disputed rule."""
    if url == _directory(item) != "/":
        return False
    return may_purge(item, url)


def may_purge(item: str, url: str) -> bool:
    """Whether a copy of that URL may go, under either reading of the disputed rule."""
    if item.endswith("*"):
        return url.startswith(item[:-1])
    return url == item


def _directory(item: str) -> str | None:
    return item[:-1] if item.endswith("/*") else None
