"""The errors a user is meant to read, and the exit codes they end with."""

EXIT_BAD_CONFIG = 2
EXIT_NOTHING_FOUND = 3
EXIT_BAD_DATA = 65
EXIT_DISK_FULL = 74
EXIT_TRY_AGAIN = 75


class SimhandError(Exception):
    """A problem in what the user gave us; the message says what, where and what to do next."""

    exit_code = 1


class ConfigError(SimhandError):
    """The configuration cannot be run as it is."""

    exit_code = EXIT_BAD_CONFIG


class DataError(SimhandError):
    """A file, video, label or set is missing, broken, or too small for what was asked of it."""

    exit_code = EXIT_BAD_DATA


class DiskFullError(SimhandError):
    """There is no room for what has to be written; nobody's video is to blame for that."""

    exit_code = EXIT_DISK_FULL


class StoppedError(SimhandError):
    """A training was told to stop and has saved itself; the same command continues it."""

    exit_code = EXIT_TRY_AGAIN


class BusyError(SimhandError):
    """Another process is at work where this one was to work; the same command may do later."""

    exit_code = EXIT_TRY_AGAIN


class NothingFoundError(SimhandError):
    """What was looked for is not there; that is an answer, and nothing is broken."""

    exit_code = EXIT_NOTHING_FOUND
