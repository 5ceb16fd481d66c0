"""The API document says everything that the service does, and the service does nothing else."""

import asyncio
import sys

ERRORS = "application/problem+json"


async def document(things):
    answer = await things.client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


async def test_every_error_is_declared_as_a_problem(things):
    found = await document(things)
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == [ERRORS], (method, path, status)
            assert operation["responses"].keys() >= {"401", "403", "500", "503"}, (method, path)
    assert "HTTPValidationError" not in str(found)
    assert found["components"]["schemas"]["Problem"]["required"] == ["type", "title", "status", "code", "detail"]
    assert "FieldProblem" in found["components"]["schemas"]


async def test_operations_are_named_by_their_functions_and_say_what_they_need(things):
    found = await document(things)
    create = found["paths"]["/v1/things"]["post"]
    assert create["operationId"] == "add_thing"
    assert create["security"] == [{"bearer": ["things:write"]}]
    assert create["responses"].keys() >= {"201", "400", "409", "413", "422"}
    assert create["responses"]["409"]["description"] == "Conflict: `thing-taken`, `idempotency-in-flight`"
    key = next(parameter for parameter in create["parameters"] if parameter["name"] == "Idempotency-Key")
    assert key["required"]
    assert found["components"]["schemas"]["ThingBody"]["additionalProperties"] is False
    flow = found["components"]["securitySchemes"]["bearer"]["flows"]["clientCredentials"]
    assert flow["scopes"].keys() == {"things:read", "things:write"}
    assert flow["tokenUrl"].endswith("/token")


async def test_the_service_keeps_to_its_document_whatever_is_sent(things):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{things.client.base_url}/openapi.json"),
        *("--header", f"Authorization: {things.headers()['Authorization']}"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "12", "--exclude-path-regex", "fault|wrong|slow"),
        *(
            "--exclude-checks",
            "positive_data_acceptance,unsupported_method",
            "--no-color",
            "--generation-database",
            "none",
        ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
