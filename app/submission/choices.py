"""The closed lists a submission chooses from; the values are what travels in JSON."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """The front door the submission came through."""

    CALCULATOR = "calculator"
    SFDC = "sfdc"
    MANUAL = "manual"


class RequesterRole(StrEnum):
    """What the requester does in the account or Professional Services team."""

    SAE = "SAE"
    AE = "AE"
    ISR = "ISR"
    SA = "SA"
    CSM = "CSM"
    EM = "EM"
    PC = "PC"


class SfdcStage(StrEnum):
    """The Salesforce opportunity stages, spelled as Salesforce spells them."""

    PENDING_ACCEPTANCE = "0-Pending Acceptance"
    DISCOVERY = "1-Discovery"
    SCOPING = "2-Scoping"
    TECHNICAL_EVALUATION = "3-Technical Evaluation"
    PROPOSAL = "4-Proposal"
    NEGOTIATING = "5-Negotiating"
    AWAITING_SIGNATURE = "6-Awaiting Signature"
    CLOSING = "7-Closing"
    CLOSED_WON = "Closed Won"
    CLOSED_LOST = "8-Closed Lost"
    UNQUALIFIED = "9-Unqualified"
    DUPLICATE = "10-Duplicate"


class Segment(StrEnum):
    """The sales regions; each is also a `Segment::` label (the mixed case is the real spelling)."""

    ENT_APAC = "Ent_APAC"
    ENT_EAST = "Ent_EAST"
    ENT_WEST = "Ent_WEST"
    ENT_EMEA = "Ent_EMEA"
    MM_APAC = "MM_APAC"
    MM_EAST = "MM_East"
    MM_EMEA = "MM_EMEA"
    MM_WEST = "MM_West"
    SMB = "SMB"


class Service(StrEnum):
    """What the customer wants to buy."""

    IMPLEMENTATION = "implementation"
    MIGRATION_SCM = "migration_scm"
    MIGRATION_CI = "migration_ci"
    MIGRATION_ARTIFACTORY = "migration_artifactory"
    MIGRATION_ADO = "migration_ado"
    READINESS = "readiness"
    CICD = "cicd"
    SECURITY = "security"
    TRANSFORMATION = "transformation"
    INTEGRATION = "integration"
    TRAINING = "training"
    DEDICATED_ENGINEER = "dedicated_engineer"
    OTHER = "other"

    @property
    def is_migration(self) -> bool:
        """True for every kind of migration."""
        return self.value.startswith("migration_")


class CommercialForm(StrEnum):
    """A catalogue item, a statement of work of its own, or not known yet."""

    SKU = "sku"
    CUSTOM = "custom"
    UNSURE = "unsure"


class LicenseTier(StrEnum):
    """The GitLab licence the customer has or buys; `free` is the Community Edition."""

    FREE = "free"
    PREMIUM = "premium"
    ULTIMATE = "ultimate"
    UNKNOWN = "unknown"


class DeploymentTarget(StrEnum):
    """Where GitLab is to run: GitLab.com, self-managed on one node or highly available, or Dedicated."""

    SAAS = "saas"
    SM_SINGLE = "sm_single"
    SM_HA = "sm_ha"
    DEDICATED = "dedicated"
    UNKNOWN = "unknown"


class Hosting(StrEnum):
    """The cloud, data centre or Kubernetes flavour that carries a self-managed GitLab."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"
    ON_PREM = "on_prem"
    K8S = "k8s"
    EKS = "eks"
    AKS = "aks"
    GKE = "gke"
    OPENSHIFT = "openshift"
    RANCHER = "rancher"
    TANZU = "tanzu"
    OTHER = "other"
    UNKNOWN = "unknown"


class MigrationSource(StrEnum):
    """The system that repositories are moved away from."""

    GITLAB_SM = "gitlab_sm"
    GHE = "ghe"
    GITHUB_COM = "github_com"
    BITBUCKET_SERVER = "bitbucket_server"
    BITBUCKET_CLOUD = "bitbucket_cloud"
    ADO = "ado"
    TFS = "tfs"
    SVN = "svn"
    PERFORCE = "perforce"
    OTHER_GIT = "other_git"
    OTHER = "other"


class TrainingMode(StrEnum):
    """Where a class takes place."""

    REMOTE = "remote"
    ONSITE = "onsite"


class EstimateType(StrEnum):
    """Time and materials, fixed fee, or both in one statement of work."""

    TM = "tm"
    FF = "ff"
    MIXED = "mixed"


_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())
"""ISO 4217 codes of money in circulation: no funds, metals or test codes."""
