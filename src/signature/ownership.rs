//! Who belongs to whom, and since when.

use std::collections::{BTreeMap, BTreeSet};

use super::{Owner, Supplier};

/// One step of an ownership chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The owner's id.
    pub owner: String,
    /// `subsidiary`, `brand` or `affiliate`.
    pub relation: &'static str,
    /// First day, as precisely as known.
    pub since: Option<String>,
    /// Last day; absent while it lasts.
    pub until: Option<String>,
}

impl From<&Owner> for Link {
    fn from(owner: &Owner) -> Self {
        Self { owner: owner.id.clone(), relation: owner.relation.name(), since: owner.since.clone(), until: owner.until.clone() }
    }
}

/// Everybody who owns `id` now, nearest first, through any number of steps.
pub(super) fn owners(suppliers: &BTreeMap<String, Supplier>, id: &str) -> Vec<Link> {
    let mut chain: Vec<Link> = Vec::new();
    let mut seen = BTreeSet::from([id.to_owned()]);
    let mut front = vec![id.to_owned()];
    while let Some(current) = front.pop() {
        let Some(supplier) = suppliers.get(&current) else { continue };
        for owner in supplier.owners.iter().filter(|owner| owner.until.is_none()) {
            if seen.insert(owner.id.clone()) {
                chain.push(Link::from(owner));
                front.push(owner.id.clone());
            }
        }
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::Relation;

    fn supplier(id: &str, owners: &[(&str, Option<&str>)]) -> (String, Supplier) {
        let owner = |(id, until): &(&str, Option<&str>)| Owner {
            id: (*id).to_owned(),
            relation: Relation::Subsidiary,
            since: None,
            until: until.map(str::to_owned),
        };
        let owners = owners.iter().map(owner).collect();
        let (id, file) = (id.to_owned(), String::new());
        let supplier = Supplier {
            id: id.clone(),
            name: id.clone(),
            country: None,
            aliases: vec![],
            kinds: vec![],
            owners,
            references: vec![],
            source: String::new(),
            file,
        };
        (id, supplier)
    }

    #[test]
    fn chains_are_followed_and_the_past_and_circles_are_not() {
        let suppliers = BTreeMap::from([
            supplier("chip", &[("maker", None), ("former", Some("2020"))]),
            supplier("maker", &[("state", None)]),
            supplier("state", &[("chip", None)]),
        ]);
        let names: Vec<_> = owners(&suppliers, "chip").into_iter().map(|link| link.owner).collect();
        assert_eq!(names, ["maker", "state"]);
        assert!(owners(&suppliers, "nobody").is_empty());
    }
}
