"""What can be wrong with a store. Each message is a sentence for the user."""


class StoreError(Exception):
    """Something is wrong with the store, or with what it was asked for."""


class Unreachable(StoreError):  # noqa: N818 - it is what it says of the server
    """The database server cannot be reached, or was lost."""


class RequestFailed(StoreError):  # noqa: N818 - it is what it says of a request
    """The database server answered with an error."""


class WrongDatabase(StoreError):  # noqa: N818 - it is what it says of the database
    """This program cannot use the database."""


class InvalidContent(StoreError):  # noqa: N818 - it is what it says of the content
    """The database does not hold a model that this program understands."""


class EditConflict(StoreError):  # noqa: N818 - it is what it says of a change
    """Somebody else changed the same objects meanwhile. Nothing was changed."""


class NotFound(StoreError):  # noqa: N818 - it is what it says of the model
    """There is no such thing in the store."""
