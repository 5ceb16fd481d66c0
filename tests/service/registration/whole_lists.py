"""Lists with more rows than a page."""


async def to_the_end(registration, path, response, claims):
    """All rows of a list whose first page this is: the two people may be on different pages."""
    rows = list(response.json().get("items", ()))
    while cursor := response.json().get("next"):
        response = await registration.get(f"{path}?after={cursor}", **claims)
        assert response.status_code == 200, response.text
        rows += response.json()["items"]
    return rows
