"""Static files without the parts of front-end packages that no page uses."""

from django.contrib.staticfiles.apps import StaticFilesConfig
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(StaticFilesConfig):
    """Tabler's flags, payment providers and social networks are style sheets that refer to hundreds of pictures
    outside the folder that is served; ``collectstatic`` would rightly refuse them."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        *("tabler-flags*", "tabler-payments*", "tabler-socials*"),
        *("ext/*", "*/ext/*"),  # of htmx: none is used, and their comments look like imports
    ]


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Files under names that change with their content, also where one module imports another: an import by the
    plain name would be a second copy of a module that a page loads by its hashed name."""

    support_js_module_import_aggregation = True
