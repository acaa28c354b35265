"""gunicorn's settings as plain attributes, for a parser that reads a dozen of them a request."""

import copy
import ipaddress

from gunicorn.config import Config


def frozen(config: Config) -> Config:
    """Return a copy whose values do not change.

    gunicorn itself finds and computes a setting each time that it is asked for it.
    """
    settings = copy.copy(config)
    vars(settings).update({name: setting.get() for name, setting in config.settings.items()})
    return settings


def settings_for_peer(settings: Config, address: str) -> Config:
    """Return settings which say of this peer whether it may set forwarding headers.

    gunicorn's parser would find out on each of the connection's requests.
    """
    trusted = "*" in settings.forwarded_allow_ips or any(
        ipaddress.ip_address(address) in network for network in settings.forwarded_allow_networks()
    )
    settings = copy.copy(settings)
    vars(settings).update(forwarded_allow_ips=["*"] if trusted else [])
    return settings
