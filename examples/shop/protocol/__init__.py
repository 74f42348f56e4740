"""The gRPC contract of ``inventory``: ``inventory.proto`` and what protoc makes of it.

Regenerate from the project's root after a change (needs grpcio-tools of requirements-dev.txt)::

    python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. examples/shop/protocol/inventory.proto
"""
