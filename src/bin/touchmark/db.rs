//! `touchmark db`: what the database knows, and whether it is in order.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use touchmark::selftest;
use touchmark::signature::{Database, KeyKind, KeyTable, Pattern, Signature, Supplier, lint};

use crate::settings::database;
use crate::{Ending, Failure, output};

/// Arguments of `db`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  touchmark db list suppliers\n  touchmark db show huawei\n  touchmark db lint --db my-signatures/\n  touchmark db test --db my-signatures/ --only-db"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Add the signatures of this folder; may be given several times
    #[arg(long, value_name = "DIR", global = true)]
    db: Vec<PathBuf>,
    /// Leave the embedded database out: only what --db adds
    #[arg(long, requires = "db", global = true)]
    only_db: bool,
}

#[derive(Subcommand)]
enum Command {
    /// List suppliers, components, policy lists or tables of keys
    #[command(after_help = "Examples:\n  touchmark db list\n  touchmark db list lists")]
    List {
        /// What to list
        #[arg(value_enum, default_value = "components")]
        what: What,
    },
    /// Show a supplier, component, list, table of keys or key
    #[command(after_help = "Examples:\n  touchmark db show openssl\n  touchmark db show us-fcc-covered-list")]
    Show {
        /// Its id
        id: String,
    },
    /// Run the checks over all signatures
    #[command(after_help = "Examples:\n  touchmark db lint\n  touchmark db lint --db my-signatures/")]
    Lint,
    /// Run the tests that signatures carry, and the confusion check
    #[command(after_help = "Examples:\n  touchmark db test\n  touchmark db test --db my-signatures/")]
    Test,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Suppliers,
    Components,
    Lists,
    Keys,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Failure> {
    let database = database(&arguments.db, arguments.only_db)?;
    match &arguments.command {
        Command::List { what } => output::print_text(&list(&database, *what)),
        Command::Show { id } => output::print_text(&show(&database, id)?),
        Command::Lint => advice(&database),
        Command::Test => tests(&database),
    }
}

fn list(database: &Database, what: What) -> String {
    let line = |id: &str, name: &str, more: String| format!("{id:<28} {name:<44} {more}\n");
    match what {
        What::Suppliers => database
            .suppliers()
            .values()
            .map(|one| {
                let owners: Vec<_> = database.owners(&one.id).into_iter().map(|link| link.owner).collect();
                let owners = if owners.is_empty() { String::new() } else { format!("< {}", owners.join(" < ")) };
                line(&one.id, &one.name, format!("{} {owners}", one.country.as_deref().unwrap_or("--")))
            })
            .collect(),
        What::Components => {
            let components = database.signatures().iter().filter_map(|one| one.component.as_ref().map(|component| (one, component)));
            components.map(|(one, component)| line(&component.id, &component.name, one.supplier.clone())).collect()
        }
        What::Lists => database.lists().values().map(|one| line(&one.id, &one.title, format!("{} entries", one.entries.len()))).collect(),
        What::Keys => database.key_tables().iter().map(|one| line(&one.id, &one.title, format!("{} keys", one.keys.len()))).collect(),
    }
}

fn show(database: &Database, id: &str) -> Result<String, Failure> {
    let mut text = String::new();
    if let Some(supplier) = database.suppliers().get(id) {
        text.push_str(&show_supplier(database, supplier));
    }
    for signature in database.signatures().iter().filter(|one| one.id == id) {
        text.push_str(&show_signature(signature));
    }
    if let Some(list) = database.lists().get(id) {
        text.push_str(&format!("list {}\n  {}\n  {}\n  read {} ({})\n", list.id, list.title, list.citation, list.as_of, list.confidence));
        for entry in &list.entries {
            let since = entry.included.as_deref().unwrap_or("");
            text.push_str(&format!("  {:<20} {since:<12} {}\n", entry.supplier, entry.scope.as_deref().unwrap_or("")));
        }
    }
    if let Some(table) = database.key_tables().iter().find(|table| table.id == id) {
        text.push_str(&show_table(table));
    }
    if let Some(key) = database.known_key(id) {
        let vendors = if key.vendors.is_empty() { String::new() } else { format!("  vendors: {}\n", key.vendors.join("; ")) };
        text.push_str(&format!(
            "key {}: {}\n  {}\n{vendors}  subject: {}\n  source: {}\n",
            key.hash,
            key.kind.name(),
            key.text(),
            key.subject,
            key.source
        ));
    }
    if text.is_empty() { Err(format!("there is no supplier, component, list, table of keys or key {id:?}")) } else { Ok(text) }
}

fn show_table(table: &KeyTable) -> String {
    let mut text = format!("keys {}: {}\n", table.id, table.title);
    for kind in KeyKind::ALL {
        let count = table.keys.iter().filter(|key| key.kind == kind).count();
        if count > 0 {
            text.push_str(&format!("  {count:>6} {}\n", kind.name()));
        }
    }
    text
}

fn show_supplier(database: &Database, supplier: &Supplier) -> String {
    let mut text = format!("supplier {}: {}", supplier.id, supplier.name);
    text.push_str(&supplier.country.as_deref().map_or_else(String::new, |country| format!(" [{country}]")));
    text.push('\n');
    if !supplier.aliases.is_empty() {
        text.push_str(&format!("  also: {}\n", supplier.aliases.join("; ")));
    }
    for owner in &supplier.owners {
        let (since, until) = (owner.since.as_deref().unwrap_or("?"), owner.until.as_deref().unwrap_or("now"));
        text.push_str(&format!("  {} of {} ({since} to {until})\n", owner.relation.name(), owner.id));
    }
    let owners = database.owners(&supplier.id);
    let lists: Vec<_> = database
        .lists()
        .values()
        .filter(|list| touchmark::policy::entry(list, &supplier.id, &owners).is_some())
        .map(|list| list.id.clone())
        .collect();
    if !lists.is_empty() {
        text.push_str(&format!("  on: {}\n", lists.join(", ")));
    }
    text
}

fn show_signature(signature: &Signature) -> String {
    let mut text = format!("{} by {} ({})\n", signature.label(), signature.supplier, signature.file);
    text.push_str(&format!("  seen in: {}\n", signature.source));
    for rule in &signature.rules {
        let pattern = match &rule.pattern {
            Pattern::Literal { text, regex: None, .. } => format!("{text:?}"),
            Pattern::Literal { text, regex: Some(regex), .. } => format!("{text:?} /{regex}/"),
            Pattern::Regex(regex) => format!("/{regex}/"),
            Pattern::Equals { text, .. } => format!("= {text:?}"),
        };
        text.push_str(&format!("  {:>4}: {:<11} {:<10} {:<18} {pattern}\n", rule.line, rule.strength.name(), rule.role.name(), rule.fact));
    }
    text.push_str(&format!("  {} tests\n", signature.tests.len()));
    text
}

fn advice(database: &Database) -> Result<Ending, Failure> {
    let advice = lint(database);
    let lines: String = advice.iter().map(|one| format!("{}:{}: {} [{}]\n", one.file, one.line, one.message, one.check)).collect();
    output::print_text(&lines)?;
    match advice.len() {
        0 => {
            let keys: usize = database.key_tables().iter().map(|table| table.keys.len()).sum();
            output::print_text(&format!(
                "{} suppliers, {} signatures, {keys} keys: in order\n",
                database.suppliers().len(),
                database.signatures().len()
            ))
        }
        count => Err(format!("{count} findings")),
    }
}

fn tests(database: &Database) -> Result<Ending, Failure> {
    let outcome = selftest::run(database);
    let lines: String = outcome.failures.iter().map(|one| format!("{}:{}: {}\n", one.file, one.line, one.message)).collect();
    output::print_text(&lines)?;
    match outcome.failures.len() {
        0 => output::print_text(&format!("{} tests passed\n", outcome.tests)),
        count => Err(format!("{count} of {} tests failed", outcome.tests)),
    }
}
