"""Whoever searches by case codes that nobody has is told to wait; whoever looks for people by name is not."""

from services.registration.app import create_app


async def test_guessed_case_codes_are_429_and_names_that_nobody_has_are_not(registration, running, issuer):
    """Taken out: `guessed` in `search_returnees` (every guess was answered, and the right one too)."""
    real = await registration.register()
    settings = registration.settings.model_copy(update={"rate_unknown_per_minute": 1})
    desk = {"reception_places": ["GT"], "client_id": "who-guesses"}
    headers = issuer.headers("returnees:read", **desk)
    async with running(create_app(settings)) as client:

        async def search(**body):
            return (await client.post("/v1/returnees/search", json=body, headers=headers)).status_code

        assert {await search(names="Nadie Conocida") for _ in range(12)} == {200}
        assert [await search(case_code="GT-2222-2222") for _ in range(6)] == [200] * 5 + [429]
        assert await search(case_code=real["case_code"]) == 429
