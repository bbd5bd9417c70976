"""PS Plan Bot: from a services-calculator submission to two linked issues, and on through the methodology."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("ps-plan-bot")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0+checkout"
