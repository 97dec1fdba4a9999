"""A device of the user's IBM Quantum account, read through qiskit-ibm-runtime."""

from __future__ import annotations

from typing import Any

from qas.device.reading import Readings, read_runtime
from qas.errors import InputError

_HOW = (
    "save an account once with qiskit_ibm_runtime.QiskitRuntimeService.save_account(token=...), "
    "or set QISKIT_IBM_TOKEN (and QISKIT_IBM_INSTANCE)"
)


def open_service(account: str | None = None) -> Any:
    """The Runtime service of a saved account's name, else of QISKIT_IBM_TOKEN, INSTANCE,
    CHANNEL and URL, else of the saved default.

    Messages never repeat what the service said, which could hold a token.

    Raises:
        InputError: no such account, or the service refuses or cannot be reached.
    """
    from qiskit_ibm_runtime import QiskitRuntimeService
    from qiskit_ibm_runtime.accounts import AccountNotFoundError

    wanted = f"the account {account!r}" if account else "an IBM Quantum account"
    try:
        return QiskitRuntimeService(name=account) if account else QiskitRuntimeService()
    except AccountNotFoundError:
        raise InputError(f"{wanted} was not found: {_HOW}") from None
    except Exception as error:
        kind = type(error).__name__
        raise InputError(
            f"{wanted} could not be opened ({kind}): check the network and the account; {_HOW}"
        ) from None


def read_account_device(name: str, account: str | None = None) -> Readings:
    """Readings of the account's device ``name`` as of now.

    Raises:
        InputError: no account, no such device in it, or the device has no calibration.
    """
    service = open_service(account)
    try:
        backend = service.backend(name)
        properties, configuration = backend.properties(), backend.configuration()
    except Exception as error:
        raise InputError(
            f"the account offers no readable device {name!r} ({type(error).__name__}): "
            "QiskitRuntimeService().backends() lists what it offers"
        ) from None
    if properties is None:
        raise InputError(f"{name} reports no calibration; choose a device that is not a simulator")
    return read_runtime(properties.to_dict(), configuration.to_dict(), name)
