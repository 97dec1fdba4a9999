"""Campaigns: strategies under one budget, finalists, fine-tuning, all kept in one folder."""

from search.campaign.arm import ArmProgress
from search.campaign.campaign import Campaign, PolishProgress
from search.campaign.forecast import Forecast
from search.campaign.option import TuneOptions
from search.campaign.settings import Settings, default_budget, settings_of
from search.campaign.tuning import TuneProgress, check_backend

__all__ = [
    "ArmProgress",
    "Campaign",
    "Forecast",
    "PolishProgress",
    "Settings",
    "TuneOptions",
    "TuneProgress",
    "check_backend",
    "default_budget",
    "settings_of",
]
