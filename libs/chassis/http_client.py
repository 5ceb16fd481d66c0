"""HTTP clients on uvloop: a connection that the peer has already reset is an error of the network, as on other loops.

After connecting, httpcore asks the connection for its socket. If the peer has reset it meanwhile, uvloop has no socket
any more and anyio fails with an AttributeError, which no caller of an HTTP client expects.
"""

import httpx


class Transport(httpx.AsyncHTTPTransport):
    """httpx's transport. Raises `httpx.ConnectError` for a connection that was reset as soon as it was made."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx's."""
        try:
            return await super().handle_async_request(request)
        except AttributeError as error:
            raise httpx.ConnectError("the peer has reset the connection", request=request) from error
