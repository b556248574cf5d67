"""A page of the service in a real browser, which fills its form from what follows # in the address."""

import html
import re
import shutil
import subprocess
import urllib.parse

import pytest
from patience import PATIENCE

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--dump-dom",
    "--virtual-time-budget=20000",
]


def page_of(service, profile, **fields):
    """The page's elements, HTML, after its script has done its work."""
    if BROWSER is None:
        pytest.skip("no chromium here")
    address = f"{service.url}/#{urllib.parse.urlencode(fields)}"
    command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", address]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert "<body" in seen.stdout, seen.stderr[-2000:]
    return re.sub(r"<script>.*?</script>", "", seen.stdout, flags=re.DOTALL)


def text_of(page, tag, **attributes):
    """The texts of all elements of a kind."""
    wanted = "".join(f'[^>]*{name}="{value}"' for name, value in attributes.items())
    found = re.findall(rf"<{tag}\b{wanted}[^>]*>(.*?)</{tag}>", page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", one)) for one in found]
