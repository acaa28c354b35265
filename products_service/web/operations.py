"""Operations of the API's description: what GET of a path does, and so HEAD and OPTIONS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from products_service.web.problem_responses import EVERYWHERE


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What GET of a path does. Parameters, headers and links are names of components.

    `content` is that of the answer by media type, as OpenAPI has it, with marshmallow's schemas
    in the place of schemas. `errors` are the statuses beside those that come everywhere.
    `tagged` answers have an ETag, and a client that comes back with it gets 304, one that insists
    on another 412; `compressed` ones come so to those who accept it.
    """

    name: str
    group: str
    summary: str
    description: str
    answer: str
    content: Mapping[str, Any]
    query: type[Schema] | None = None
    path_parameters: Sequence[str] = ()
    headers: Sequence[str] = ()
    errors: Sequence[int] = ()
    links: Sequence[str] = ()
    tagged: bool = False
    compressed: bool = False

    def get(self) -> dict[str, Any]:
        """Return the Operation Object of GET."""
        answer = self._success(self.answer, *self.headers)
        answer |= {"content": self.content, "links": {name: name for name in self.links}}
        return self._asking(self.name, self.summary, self.description, answer)

    def head(self) -> dict[str, Any]:
        """Return that of HEAD: GET without a body."""
        answer = self._success("The headers of GET's answer, and no body.", *self.headers)
        summary = f"{self.summary}: the headers alone"
        return self._asking(f"{self.name}Head", summary, "As GET, without a body.", answer)

    def options(self) -> dict[str, Any]:
        """Return that of OPTIONS."""
        return {
            "operationId": f"{self.name}Options",
            "tags": [self.group],
            "summary": "List the methods of this path",
            "description": "Also answers what browsers ask before they let a page of another "
            "origin send `If-None-Match` or `X-Request-ID`.",
            "responses": {
                200: {
                    "description": "`Allow` lists the methods. No body.",
                    "headers": {name: name for name in ("X-Request-ID", "Allow")},
                }
            }
            | _failures(*{404} & {*self.errors}),
        }

    def _asking(
        self, name: str, summary: str, description: str, answer: dict[str, Any]
    ) -> dict[str, Any]:
        responses = {200: answer}
        if self.tagged:
            responses[304] = self._success("The client has it already: `If-None-Match` names it.")
        parameters = [*self.query().fields] if self.query else []
        parameters += ["If-None-Match", "If-Match"] * self.tagged
        parameters += ["Accept-Encoding"] * self.compressed
        return {
            "operationId": name,
            "tags": [self.group],
            "summary": summary,
            "description": description,
            "parameters": parameters,
            "responses": responses | _failures(*self.errors, *[412] * self.tagged),
        }

    def _success(self, description: str, *headers: str) -> dict[str, Any]:
        names = ["X-Request-ID", "Cache-Control", *headers]
        names += ["ETag"] * self.tagged + ["Vary"] * self.compressed
        return {"description": description, "headers": {name: name for name in names}}


def _failures(*statuses: int) -> dict[int, str]:
    """Return the error responses of these statuses and of those that come everywhere."""
    return {status: str(status) for status in sorted({*EVERYWHERE, *statuses})}
