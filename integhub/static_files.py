"""Static files without the parts of front-end packages that no page uses."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """Tabler's flags, payment providers and social networks are style sheets that refer to hundreds of pictures
    outside the folder that is served; ``collectstatic`` would rightly refuse them."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "tabler-flags*", "tabler-payments*", "tabler-socials*"]
