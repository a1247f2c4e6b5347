"""Trouble that a command tells its user: what happened, and what to do next. It ends the command, without a traceback."""

FAILED, WRONG_USE, HELD = 1, 2, 3


class Trouble(Exception):
    """Ends the command with a message, a cure and an exit status."""

    def __init__(self, message: str, cure: str = "", status: int = FAILED) -> None:
        super().__init__(message)
        self.cure, self.status = cure, status
