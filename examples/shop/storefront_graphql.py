"""The GraphQL endpoint of ``storefront``: the schema, and resolvers around the same calls as REST."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo, build_schema, graphql

from examples.shop.errors import ShopError

SCHEMA = build_schema((Path(__file__).parent / "storefront.graphql").read_text())
Resolver = Callable[..., Awaitable[dict[str, Any]]]


async def answer(resolvers: dict[str, Resolver], body: dict[str, Any]) -> dict[str, Any]:
    """Execute the query in *body* with one resolver per field of ``Query`` and ``Mutation``."""
    query, variables = body.get("query"), body.get("variables")
    if not isinstance(query, str) or not isinstance(variables, dict | None):
        raise ShopError(400, "invalid_graphql", "query must be a text, and variables an object")
    root = {name: _field(resolver) for name, resolver in resolvers.items()}
    result = await graphql(SCHEMA, query, root_value=root, variable_values=variables)
    return dict(result.formatted)


def _field(resolver: Resolver) -> Callable[..., Awaitable[Any]]:
    async def resolve(_info: "GraphQLResolveInfo[None]", **arguments: Any) -> Any:
        try:
            return _camel_cased(await resolver(**arguments))
        except ShopError as error:
            raise GraphQLError(error.message, extensions={"code": error.code}) from error

    return resolve


def _camel_cased(value: Any) -> Any:
    if isinstance(value, dict):
        return {re.sub(r"_(\w)", lambda hit: hit[1].upper(), key): _camel_cased(part) for key, part in value.items()}
    return [_camel_cased(part) for part in value] if isinstance(value, list) else value
