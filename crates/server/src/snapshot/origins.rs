//! Origins of browsers that clients list, exact and with a wildcard (`docs/COMPATIBILITY.md` C121, C122).

use std::collections::HashSet;

/// Origins of browsers: exact ones, and wildcard ones as the text before and after the `*`.
#[derive(Debug, Default)]
pub(super) struct Origins {
    exact: HashSet<String>,
    wildcard: Vec<(String, String)>,
}

impl Origins {
    /// The origins that these entries mean.
    pub(super) fn of(entries: impl Iterator<Item = String>) -> Self {
        let mut origins = Self::default();
        for entry in entries {
            match entry.trim_end_matches('/').split_once('*') {
                Some((before, after)) if before.ends_with("://") && after.starts_with('.') => {
                    origins.wildcard.push((before.to_owned(), after.to_owned()));
                }
                Some(_) => {}
                None => drop(origins.exact.insert(entry.trim_end_matches('/').to_owned())),
            }
        }
        origins.exact.remove("null");
        origins
    }

    /// Whether an entry means this origin.
    pub(super) fn contains(&self, origin: &str) -> bool {
        let fits = |(before, after): &(String, String)| {
            let label = origin.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(after.as_str()));
            label.is_some_and(|label| !label.is_empty() && !label.contains(['/', ':', '@']))
        };
        self.exact.contains(origin) || self.wildcard.iter().any(fits)
    }
}

/// Whether these entries of a client mean this origin.
pub fn lists(entries: Vec<String>, origin: &str) -> bool {
    Origins::of(entries.into_iter()).contains(origin)
}
