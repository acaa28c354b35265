"""Operations of the API's description: what GET of a path does, and so HEAD and OPTIONS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from products_service.web.components import NOT_KEPT
from products_service.web.headers import ALLOWED
from products_service.web.problem_responses import EVERYWHERE

OPTIONS_HEADERS = (
    *("X-Request-ID", "Allow", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods"),
    *("Access-Control-Allow-Headers", "Access-Control-Max-Age"),
)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What GET of a path does. Parameters, headers and links are names of components.

    `content` is that of the answer by media type, as OpenAPI has it, with marshmallow's schemas
    in the place of schemas. `errors` are the statuses beside those that come everywhere.
    `cache_control` is the component that says how long the answer may be kept. One that may has an
    ETag, and a client that comes back with it gets 304, one that insists on another 412; and it
    comes compressed to those who accept that.
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
    cache_control: str = NOT_KEPT

    @property
    def is_kept(self) -> bool:
        """Whether the answer may be kept."""
        return self.cache_control != NOT_KEPT

    @property
    def _headers(self) -> Sequence[str]:
        """Those of an answer with a body, or of what would be one."""
        return [*self.headers, "Content-Encoding"] if self.is_kept else self.headers

    def get(self) -> dict[str, Any]:
        """Return the Operation Object of GET."""
        answer = self._success(self.answer, *self._headers)
        answer |= {"content": self.content, "links": {name: name for name in self.links}}
        return self._asking(self.name, self.summary, self.description, answer)

    def head(self) -> dict[str, Any]:
        """Return that of HEAD: GET without a body."""
        answer = self._success("The headers of GET's answer, and no body.", *self._headers)
        summary = f"{self.summary}: the headers alone"
        return self._asking(f"{self.name}Head", summary, "As GET, without a body.", answer)

    def options(self) -> dict[str, Any]:
        """Return that of OPTIONS."""
        return {
            "operationId": f"{self.name}Options",
            "tags": [self.group],
            "summary": "List the methods of this path",
            "description": "Also answers what browsers ask before they let a page of another "
            f"origin send one of `{ALLOWED}`.",
            "responses": {
                200: {
                    "description": "`Allow` lists the methods. No body.",
                    "headers": {name: name for name in OPTIONS_HEADERS}
                    | {"Cache-Control": NOT_KEPT},
                }
            }
            | _failures(*(status for status in self.errors if status == 404)),
        }

    def _asking(
        self, name: str, summary: str, description: str, answer: dict[str, Any]
    ) -> dict[str, Any]:
        responses = {200: answer}
        parameters = [*self.query().fields] if self.query else []
        errors = [*self.errors]
        if self.is_kept:
            responses[304] = self._success("The client has it already: `If-None-Match` names it.")
            parameters += ["If-None-Match", "If-Match", "Accept-Encoding"]
            errors.append(412)
        return {
            "operationId": name,
            "tags": [self.group],
            "summary": summary,
            "description": description,
            "parameters": parameters,
            "responses": responses | _failures(*errors),
        }

    def _success(self, description: str, *headers: str) -> dict[str, Any]:
        names = ["X-Request-ID", "Access-Control-Allow-Origin", *headers]
        if self.is_kept:
            names += ["ETag", "Vary"]
        of_all = {name: name for name in names} | {"Cache-Control": self.cache_control}
        return {"description": description, "headers": of_all}


def _failures(*statuses: int) -> dict[int, str]:
    """Return the error responses of these statuses and of those that come everywhere."""
    return {status: str(status) for status in sorted({*EVERYWHERE, *statuses})}
