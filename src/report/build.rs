//! From the tree and its attributions to the report: roll-up from artifact to image.

use std::collections::{BTreeMap, BTreeSet};

use super::parts;
use super::{
    AttributionLine, ComponentLine, CoverageLine, DatabaseLine, InputLine, OwnerLine, PolicyLine, PolicyMatchLine, ProblemLine, Report,
    RoleLine, SCHEMA, SupplierLine, Tool,
};
use crate::artifact::{Artifact, locations};
use crate::attribution::{Attribution, attribute};
use crate::coverage::{Coverage, coverage};
use crate::fact::hex;
use crate::policy::{Judgement, entry, judge};
use crate::signature::{Database, PolicyList, Role, Signature};

/// A tree with all that was concluded from it.
pub struct Findings<'f> {
    /// The database that was used.
    pub database: &'f Database,
    /// The tree, in preorder.
    pub artifacts: Vec<Artifact>,
    /// All attributions, by artifact.
    pub attributions: Vec<Attribution>,
    /// What became of every byte.
    pub coverage: Coverage,
    /// Verdicts.
    pub judgements: Vec<Judgement>,
    /// Of each artifact: number in the report of each piece of evidence that some attribution rests on, by its index.
    evidence: Vec<BTreeMap<usize, usize>>,
}

impl<'f> Findings<'f> {
    /// Concludes what there is to conclude.
    pub fn new(database: &'f Database, artifacts: Vec<Artifact>, policies: &[&PolicyList]) -> Self {
        let attributions: Vec<Attribution> = artifacts.iter().flat_map(|artifact| attribute(database, artifact)).collect();
        let code = |one: &&Attribution| one.is_claim() && matches!(one.role, Role::Author | Role::Silicon);
        let claimed: BTreeSet<usize> = attributions.iter().filter(code).map(|one| one.artifact).collect();
        let coverage = coverage(&artifacts, &claimed);
        let judgements = policies.iter().map(|list| judge(database, list, &artifacts, &attributions, &coverage)).collect();
        let mut evidence: Vec<BTreeMap<usize, usize>> = artifacts.iter().map(|_| BTreeMap::new()).collect();
        for one in &attributions {
            if let Some(used) = evidence.get_mut(one.artifact) {
                used.extend(one.evidence.iter().map(|index| (*index, 0)));
            }
        }
        evidence.iter_mut().flat_map(BTreeMap::values_mut).enumerate().for_each(|(number, id)| *id = number);
        Self { database, artifacts, attributions, coverage, judgements, evidence }
    }

    fn signature(&self, one: &Attribution) -> Option<&'f Signature> {
        self.database.signatures().get(one.signature)
    }

    fn evidence_ids(&self, one: &Attribution) -> Vec<usize> {
        let ids = self.evidence.get(one.artifact);
        one.evidence.iter().filter_map(|index| ids?.get(index).copied()).collect()
    }
}

/// The report on `findings` about the input at `path`.
pub fn report(findings: &Findings<'_>, path: &str) -> Report {
    let database = findings.database;
    let problems = problems(findings);
    let root = findings.artifacts.first();
    let readable = root.is_some_and(|root| root.size > 0 || root.format.is_some());
    let outcome = match (readable, problems.is_empty()) {
        (false, _) => "failed",
        (true, true) => "complete",
        (true, false) => "partial",
    };
    let version = env!("CARGO_PKG_VERSION");
    let line = DatabaseLine { version, sha256: database.sha256().to_owned(), signatures: database.signatures().len() };
    Report {
        schema: SCHEMA,
        tool: Tool { name: "touchmark", version, database: line },
        input: InputLine {
            path: path.to_owned(),
            size: root.map_or(0, |root| root.size),
            sha256: root.map_or_else(String::new, |root| hex(&root.sha256)),
        },
        outcome,
        suppliers: suppliers(findings),
        components: components(findings),
        lineage: Vec::new(),
        certificates: certificates(findings),
        keys: findings.artifacts.iter().flat_map(|artifact| parts::keys(database, artifact)).collect(),
        signatures: signatures(findings),
        coverage: coverage_line(findings.coverage),
        artifacts: artifacts(findings),
        evidence: evidence(findings),
        policies: findings.judgements.iter().filter_map(|one| policy(findings, one)).collect(),
        problems,
    }
}

fn coverage_line(coverage: Coverage) -> CoverageLine {
    let Coverage { total, attributed, identified, padding, opaque, unknown } = coverage;
    CoverageLine { total, attributed, identified, padding, opaque, unknown }
}

fn suppliers(findings: &Findings<'_>) -> Vec<SupplierLine> {
    let mut parts: BTreeMap<&str, BTreeMap<Role, (u8, BTreeSet<usize>)>> = BTreeMap::new();
    for one in &findings.attributions {
        let Some(signature) = findings.signature(one) else { continue };
        let (best, places) = parts.entry(&signature.supplier).or_default().entry(one.role).or_default();
        *best = one.confidence.max(*best);
        places.insert(one.artifact);
    }
    let mut lines: Vec<SupplierLine> = parts.into_iter().map(|(id, roles)| supplier(findings, id, &roles)).collect();
    let rank = |line: &SupplierLine| {
        let code = line.roles.iter().filter(|(role, _)| !matches!(**role, "depends-on" | "mentioned"));
        code.map(|(_, part)| (part.confidence, part.bytes)).max()
    };
    lines.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.id.cmp(&b.id)));
    lines
}

fn supplier(findings: &Findings<'_>, id: &str, roles: &BTreeMap<Role, (u8, BTreeSet<usize>)>) -> SupplierLine {
    let database = findings.database;
    let known = database.suppliers().get(id);
    let ownership = database.owners(id);
    let bytes = |places: &BTreeSet<usize>| {
        places.iter().filter_map(|place| findings.artifacts.get(*place)).map(|artifact| artifact.size).fold(0, u64::saturating_add)
    };
    let line = |(role, (confidence, places)): (&Role, &(u8, BTreeSet<usize>))| {
        (role.name(), RoleLine { confidence: *confidence, artifacts: places.len(), bytes: bytes(places) })
    };
    let means = |list: &&PolicyList| entry(list, id, &ownership).is_some();
    let lists = database.lists().values().filter(means).map(|list| list.id.clone()).collect();
    SupplierLine {
        id: id.to_owned(),
        name: known.map_or_else(|| id.to_owned(), |known| known.name.clone()),
        country: known.and_then(|known| known.country.clone()),
        owners: ownership.iter().map(|link| link.owner.clone()).collect(),
        ownership: ownership.into_iter().map(|link| OwnerLine { id: link.owner, relation: link.relation, since: link.since }).collect(),
        roles: roles.iter().map(line).collect(),
        lists,
    }
}

fn components(findings: &Findings<'_>) -> Vec<ComponentLine> {
    let mut groups: BTreeMap<(usize, Option<&str>, Role), Vec<&Attribution>> = BTreeMap::new();
    for one in findings.attributions.iter().filter(|one| one.is_claim()) {
        groups.entry((one.signature, one.version.as_deref(), one.role)).or_default().push(one);
    }
    let line = |((_, version, role), members): (&(usize, Option<&str>, Role), &Vec<&Attribution>)| {
        let signature = findings.signature(members.first()?)?;
        let component = signature.component.as_ref()?;
        let with_version = |purl: &String| version.map_or_else(|| purl.clone(), |version| format!("{purl}@{version}"));
        Some(ComponentLine {
            supplier: signature.supplier.clone(),
            name: component.id.clone(),
            title: component.name.clone(),
            version: version.map(str::to_owned),
            role: role.name(),
            confidence: members.iter().map(|one| one.confidence).max()?,
            purl: component.purl.as_ref().map(with_version),
            cpe: component.cpe.as_ref().map(|cpe| format!("cpe:2.3:a:{cpe}:{}:*:*:*:*:*:*:*", version.unwrap_or("*"))),
            license: component.license.clone(),
            artifacts: members.iter().map(|one| one.artifact).collect(),
            evidence: members.iter().flat_map(|one| findings.evidence_ids(one)).collect(),
        })
    };
    let mut lines: Vec<ComponentLine> = groups.iter().filter_map(line).collect();
    lines.sort_by(|a, b| (&a.name, &a.version, a.role).cmp(&(&b.name, &b.version, b.role)));
    lines
}

fn certificates(findings: &Findings<'_>) -> Vec<super::CertificateLine> {
    let of = |artifact: &Artifact| {
        let store = crate::attribution::is_trust_store(artifact);
        artifact.certificates.iter().map(|one| parts::certificate(findings.database, artifact, store, one)).collect::<Vec<_>>()
    };
    findings.artifacts.iter().flat_map(of).collect()
}

fn signatures(findings: &Findings<'_>) -> Vec<super::SignatureLine> {
    let of = |artifact: &Artifact| artifact.signatures.iter().map(|one| parts::signature(artifact.id, one)).collect::<Vec<_>>();
    findings.artifacts.iter().flat_map(of).collect()
}

fn artifacts(findings: &Findings<'_>) -> Vec<super::ArtifactLine> {
    let places = locations(&findings.artifacts);
    let mut lines: Vec<_> = findings.artifacts.iter().zip(places).map(|(artifact, place)| parts::artifact(artifact, place)).collect();
    for one in &findings.attributions {
        let (Some(signature), Some(line)) = (findings.signature(one), lines.get_mut(one.artifact)) else { continue };
        line.attributions.push(AttributionLine {
            supplier: signature.supplier.clone(),
            component: signature.component.as_ref().map(|component| component.id.clone()),
            version: one.version.clone(),
            role: one.role.name(),
            confidence: one.confidence,
            bits: one.bits,
            evidence: findings.evidence_ids(one),
        });
    }
    lines
}

fn evidence(findings: &Findings<'_>) -> Vec<super::EvidenceLine> {
    let used = findings.artifacts.iter().zip(&findings.evidence).flat_map(|(artifact, ids)| ids.iter().map(move |used| (artifact, used)));
    let line = |(artifact, (index, id)): (&Artifact, (&usize, &usize))| {
        parts::evidence(findings.database, *id, artifact.id, artifact.evidence.get(*index)?)
    };
    used.filter_map(line).collect()
}

fn policy(findings: &Findings<'_>, one: &Judgement) -> Option<PolicyLine> {
    let list = findings.database.lists().get(&one.list)?;
    let claims = |indexes: &[usize]| indexes.iter().filter_map(|index| findings.attributions.get(*index)).collect::<Vec<_>>();
    let matches = one.matches.iter().map(|found| PolicyMatchLine {
        supplier: found.supplier.clone(),
        listed: found.listed.clone(),
        role: found.role.name(),
        confidence: found.confidence,
        artifacts: claims(&found.attributions).iter().map(|one| one.artifact).collect::<BTreeSet<_>>().into_iter().collect(),
        evidence: claims(&found.attributions).iter().flat_map(|one| findings.evidence_ids(one)).collect(),
        scope: found.scope.clone(),
    });
    Some(PolicyLine {
        id: list.id.clone(),
        title: list.title.clone(),
        citation: list.citation.clone(),
        as_of: list.as_of.clone(),
        verdict: one.verdict.name(),
        matches: matches.collect(),
        reasons: one.reasons.clone(),
    })
}

fn problems(findings: &Findings<'_>) -> Vec<ProblemLine> {
    let line = |artifact: usize, problem: &crate::problem::Problem| ProblemLine {
        code: problem.code.name(),
        artifact,
        offset: problem.offset,
        message: problem.message.clone(),
    };
    findings.artifacts.iter().flat_map(|artifact| artifact.problems.iter().map(move |problem| line(artifact.id, problem))).collect()
}
