//! What one window of 4 KiB is, and what its neighbours say to that.

use super::model::{Content, Costs, Model, model};
use crate::fact::entropy::Histogram;

/// What a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One value over and over.
    Padding(u8),
    /// All values about equally often.
    Even,
    /// Printable.
    Ascii,
    /// Of a class of the model.
    Class(usize),
    /// None of them.
    Unknown,
}

/// A window.
#[derive(Debug)]
pub(super) struct Window {
    /// What it is.
    pub(super) kind: Kind,
    /// What its bytes cost; nothing where that was not asked.
    costs: Option<Costs>,
    /// Whether this would be believed without neighbours of the same kind.
    sure: bool,
}

/// So many bytes are looked at first.
const SAMPLE: usize = 512;
/// Pairs of bytes that must say something, of a sample and of a window.
const FEWEST: u32 = 200;
/// In 1/256 bit a byte: the next class must cost so much more for a sample to do, and for a window to be believed.
const CLEAR: u32 = 110;
const ENOUGH: u32 = 8;
/// The same against classes that are no code, and where no neighbour is of the same class.
const IS_CODE: u32 = 20;
const ALONE: u32 = 80;

impl Window {
    /// What `bytes`, whose values `counted` counted, are.
    pub(super) fn of(bytes: &[u8], counted: &Histogram) -> Self {
        let (total, commonest) = (counted.total(), counted.commonest());
        let most = |part: u64, percent: u64| part.saturating_mul(100) >= total.saturating_mul(percent);
        let settled = |kind| Self { kind, costs: None, sure: true };
        if most(counted.count(commonest), 99) {
            return settled(Kind::Padding(commonest));
        }
        if counted.is_even() {
            return settled(Kind::Even);
        }
        let printable = counted.sum(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r'));
        if most(printable, 92) || most(printable.saturating_add(counted.count(0)), 99) && most(printable, 70) {
            return settled(Kind::Ascii);
        }
        Self::by_model(model(), bytes)
    }

    fn by_model(model: &Model, bytes: &[u8]) -> Self {
        let mut costs = Costs::NONE;
        let (sample, rest) = bytes.split_at_checked(SAMPLE).unwrap_or((bytes, &[]));
        model.add(sample, &mut costs);
        let first = Ranking::of(model, &costs);
        let does = first.is_code(model) && first.margin >= CLEAR && costs.pairs() >= FEWEST;
        if !does {
            model.add(rest, &mut costs);
        }
        let ranking = Ranking::of(model, &costs);
        let margin = if ranking.content(model) == Some(Content::Code) { ranking.margin.min(ranking.from_data) } else { ranking.margin };
        let kind = match ranking.content(model) {
            None => Kind::Unknown,
            Some(Content::Code) if !ranking.is_code(model) || costs.pairs() < FEWEST || ranking.margin < ENOUGH => Kind::Unknown,
            Some(_) => Kind::Class(ranking.best),
        };
        Self { kind, costs: Some(costs), sure: margin >= ALONE }
    }

    /// Whether it may be code of class `row`, if that is what is around it.
    fn may_be(&self, row: usize) -> bool {
        let Some(costs) = &self.costs else { return false };
        let model = model();
        let ranking = Ranking::of(model, costs);
        let limit = model.class(row).map_or(0, |class| class.limit);
        let cost = costs.mean(row);
        cost <= limit.saturating_add(64) && cost <= costs.mean(ranking.best).saturating_add(ALONE)
    }
}

/// Which class costs least, and by how much.
struct Ranking {
    best: usize,
    /// What it costs.
    cost: u32,
    /// How much more the best class of another name costs.
    margin: u32,
    /// How much more the best class costs that is no code.
    from_data: u32,
}

impl Ranking {
    fn of(model: &Model, costs: &Costs) -> Self {
        let cheapest = |wanted: &dyn Fn(&super::model::Class) -> bool| {
            let classes = model.classes().iter().enumerate().filter(|(_, class)| wanted(class));
            classes.map(|(row, _)| (costs.mean(row), row)).min().unwrap_or((u32::MAX, usize::MAX))
        };
        let (cost, best) = cheapest(&|_| true);
        let name = model.class(best).map(|class| class.name.as_str());
        let margin = cheapest(&|class| Some(class.name.as_str()) != name).0.saturating_sub(cost);
        let from_data = cheapest(&|class| class.content != Content::Code).0.saturating_sub(cost);
        Self { best, cost, margin, from_data }
    }

    fn content(&self, model: &Model) -> Option<Content> {
        model.class(self.best).map(|class| class.content)
    }

    /// Whether it is code, and as likely as code of its class is.
    fn is_code(&self, model: &Model) -> bool {
        let limit = model.class(self.best).filter(|class| class.content == Content::Code).map(|class| class.limit);
        limit.is_some_and(|limit| self.cost <= limit) && self.from_data >= IS_CODE
    }
}

/// A window between two of the same code is that code too if it may be; one that is code alone must be clear.
pub(super) fn smooth(windows: &mut [Window]) {
    let before: Vec<Kind> = windows.iter().map(|window| window.kind).collect();
    let at = |index: Option<usize>| index.and_then(|index| before.get(index)).copied();
    for (index, window) in windows.iter_mut().enumerate() {
        let (left, right) = (at(index.checked_sub(1)), at(index.checked_add(1)));
        match (left, right) {
            (Some(around @ Kind::Class(row)), Some(other)) if other == around && is_code(around) && window.may_be(row) => {
                window.kind = around;
            }
            _ if is_code(window.kind) && before.len() > 1 && !window.sure && ![left, right].contains(&Some(window.kind)) => {
                window.kind = Kind::Unknown;
            }
            _ => (),
        }
    }
}

fn is_code(kind: Kind) -> bool {
    matches!(kind, Kind::Class(row) if model().class(row).is_some_and(|class| class.content == Content::Code))
}
