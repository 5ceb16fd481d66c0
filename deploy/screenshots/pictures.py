"""The pictures: who looks at what, on a screen of which size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, ViewportSize, async_playwright

from deploy.local.people import PeopleBook
from deploy.screenshots.scene import Say, Scene

DESK: Final[ViewportSize] = {"width": 1280, "height": 800}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
LANGUAGE: Final = "en"
PAGE_SECONDS: Final = 60


class PictureError(Exception):
    """A page was not as it must be for its picture; the text says which."""


@dataclass(frozen=True)
class Picture:
    """One picture: `path` may contain `{batch_id}` and `{returnee_id}`. The first person with the role looks at it."""

    name: str
    role: str
    path: str
    phone: bool = False


PICTURES: Final = (
    Picture("tonight", "network_steward", "/tonight"),
    Picture("offers-phone", "provider", "/offers", phone=True),
    Picture("case", "network_steward", "/cases/{returnee_id}"),
    Picture("reception", "reception_clerk", "/reception/batches/{batch_id}"),
    Picture("work", "lead_desk", "/work"),
    Picture("directory", "network_steward", "/directory"),
)


async def take(scene: Scene, pictures: Iterable[Picture], *, chromium: Path, folder: Path, say: Say) -> None:
    """Take the pictures and write them into the existing folder. Raises PictureError if a page does not answer 200."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            args=["--disable-dev-shm-usage", "--hide-scrollbars", "--font-render-hinting=none"],
        )
        try:
            for picture in pictures:
                say(f"taking {picture.name}.png")
                await _take_one(browser, scene, picture, folder / f"{picture.name}.png")
        finally:
            await browser.close()


async def _take_one(browser: Browser, scene: Scene, picture: Picture, file: Path) -> None:
    phone = picture.phone
    context = await browser.new_context(
        viewport=PHONE if phone else DESK, device_scale_factor=2 if phone else 1, is_mobile=phone, has_touch=phone,
        locale=LANGUAGE, color_scheme="light", reduced_motion="reduce",
    )  # fmt: skip
    try:
        context.set_default_timeout(PAGE_SECONDS * 1000)
        page = await context.new_page()
        person = next(one for one in PeopleBook(scene.pack).everybody() if picture.role in one.roles)
        await page.goto(f"{scene.console_url}/sign-in")
        await page.locator(f'button[name="subject"][value="{person.subject}"]').click()
        await page.wait_for_url(f"{scene.console_url}/**")
        path = picture.path.format(batch_id=scene.batch_id, returnee_id=scene.returnee_id)
        response = await page.goto(f"{scene.console_url}{path}")
        if response is None or response.status != 200:
            raise PictureError(f"{picture.name}: {path} answered {response and response.status}")
        await page.screenshot(path=file, animations="disabled", caret="hide")
    finally:
        await context.close()
