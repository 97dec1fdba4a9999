"""Devices: qubits, native gates and one dated calibration; patches of them; lowering."""

from __future__ import annotations

from qas.device.device import Device, GateCalibration, QubitCalibration
from qas.device.load import describe_devices, device_names, load_device
from qas.device.patch import best_patch, layouts
from qas.device.uniform import uniform_device

__all__ = [
    "Device",
    "GateCalibration",
    "QubitCalibration",
    "best_patch",
    "describe_devices",
    "device_names",
    "layouts",
    "load_device",
    "uniform_device",
]
