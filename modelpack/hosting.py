"""Where the pack lies on the site, and where each host looks for a file that tells it how to serve. Pure: paths to paths."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from modelpack.spec.project import Host, HostFile

# Folders whose content hosts and bundlers serve from the top of the site.
_TOPS: Final = frozenset({"public", "static", "dist", "build", "www", "site"})
# Read by the host at the top of the site.
_ON_THE_SITE: Final[dict[Host, str]] = {"netlify": "_headers", "cloudflare-pages": "_headers"}
# Read, or included by somebody, from where the project is.
_IN_THE_PROJECT: Final[dict[Host, str]] = {"vercel": "vercel.json", "nginx": "modelpack.nginx.conf"}


def address(output: Path, workspace: Path) -> str:
    """Where the pack is on the site, `/models`: its path below the last folder of the workspace that is served as the top."""
    top = _site(output, workspace)
    return "".join(f"/{part}" for part in output.relative_to(top).parts)


def usual_host_file(host: Host, output: Path, config: Path, workspace: Path) -> HostFile | None:
    """The file where the host looks for it; None for hosts that look for none."""
    prefix = address(output, workspace)
    if host in _ON_THE_SITE:
        return HostFile(_site(output, workspace) / _ON_THE_SITE[host], prefix, is_named=False)
    if host in _IN_THE_PROJECT:
        return HostFile(config.parent / _IN_THE_PROJECT[host], prefix, is_named=False)
    return None


def _site(output: Path, workspace: Path) -> Path:
    """The top of the site. What lies above the workspace says nothing: people keep projects in folders called `build`."""
    for folder in (output, *output.parents):
        if not folder.is_relative_to(workspace) or folder == workspace:
            break
        if folder.name in _TOPS:
            return folder
    return output if output == workspace else output.parent
