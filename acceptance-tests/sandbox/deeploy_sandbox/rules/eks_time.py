"""What time has done to an account's clusters is settled before anybody looks: at EKS, or at the services where EKS
keeps what it makes.
"""

from __future__ import annotations

from .. import world
from ..aws_call import AwsCall
from . import before, eks_addons, eks_clusters, eks_nodegroups
from .eks_store import clusters_of


def settle(account: str) -> None:
    for cluster in clusters_of(account):
        eks_clusters.settle(cluster)
        # Nodes need the network add-on, and other add-ons need nodes.
        eks_addons.settle(cluster)
        eks_nodegroups.settle(cluster)
        eks_addons.settle(cluster)


world.settlers.append(settle)


@before("eks", "*")
def _eks(call: AwsCall) -> None:
    settle(call.account)


@before("ec2", "*")
def _ec2(call: AwsCall) -> None:
    settle(call.account)


@before("autoscaling", "*")
def _autoscaling(call: AwsCall) -> None:
    settle(call.account)


@before("logs", "*")
def _logs(call: AwsCall) -> None:
    settle(call.account)
