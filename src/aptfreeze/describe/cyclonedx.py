# SPDX-License-Identifier: MIT
"""A bill of materials as CycloneDX 1.6, by the library of its makers. Needs the extra `sbom`."""

import uuid
from collections.abc import Iterable, Iterator
from email.utils import parseaddr

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component as CdxComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.contact import OrganizationalContact, OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from aptfreeze import __version__
from aptfreeze.describe.bill import Bill, Component

_NAMESPACE = uuid.UUID("5f0d3c3e-7a0a-5b5e-9a55-0e4b3d8c2a11")
"""Of serial numbers: a name-based UUID (RFC 9562) says the same of the same content."""
_ROOT = "aptfreeze:image"


def text(bill: Bill) -> str:
    """JSON, the same for the same bill."""
    bom = Bom(
        serial_number=uuid.uuid5(_NAMESPACE, bill.seed),
        metadata=_metadata(bill),
        components=map(_component, bill.components),
        dependencies=_dependencies(bill),
    )
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _metadata(bill: Bill) -> BomMetaData:
    tool = CdxComponent(name="aptfreeze", version=__version__, type=ComponentType.APPLICATION)
    return BomMetaData(
        timestamp=bill.created,
        component=CdxComponent(name=bill.name, type=ComponentType.OPERATING_SYSTEM, bom_ref=_ROOT),
        tools=ToolRepository(components=[tool]),
        properties=[
            Property(name="aptfreeze:generation", value=bill.generation),
            Property(name="aptfreeze:state", value=bill.state),
        ],
    )


def _component(each: Component) -> CdxComponent:
    return CdxComponent(
        type=ComponentType.LIBRARY,
        bom_ref=each.purl,
        group=each.vendor,
        name=each.name,
        version=each.version,
        purl=PackageURL.from_string(each.purl),
        description=each.summary or None,
        supplier=_supplier(each),
        hashes=_hashes(each),
        external_references=[_homepage(each.homepage)] if each.homepage else [],
        properties=[Property(name=name, value=value) for name, value in _properties(each)],
    )


def _supplier(each: Component) -> OrganizationalEntity | None:
    name, address = parseaddr(each.maintainer)
    if not name:
        return None
    contacts = [OrganizationalContact(email=address)] if address else []
    return OrganizationalEntity(name=name, contacts=contacts)


def _hashes(each: Component) -> list[HashType]:
    known = ((HashAlgorithm.SHA_256, each.sha256), (HashAlgorithm.SHA_512, each.sha512))
    return [HashType(alg=algorithm, content=digits) for algorithm, digits in known if digits]


def _homepage(url: str) -> ExternalReference:
    return ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(url))


def _properties(each: Component) -> Iterator[tuple[str, str]]:
    known = {"aptfreeze:suite": each.suite, "aptfreeze:path": each.path, "section": each.section}
    return ((name, value) for name, value in known.items() if value)


def _dependencies(bill: Bill) -> Iterator[Dependency]:
    """The image depends on its binary packages, they on each other and on their sources."""
    yield _dependency(_ROOT, [each.purl for each in bill.components if not each.is_source])
    for each in bill.components:
        yield _dependency(each.purl, each.depends)


def _dependency(ref: str, needed: Iterable[str]) -> Dependency:
    return Dependency(BomRef(ref), dependencies=[Dependency(BomRef(each)) for each in needed])
