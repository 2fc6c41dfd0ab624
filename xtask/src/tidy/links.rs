//! Links in the documentation: each leads to a file that exists, and each page can be found.

use std::collections::BTreeSet;

use super::Finding;
use super::repository::Repository;

/// Relative links to files that do not exist.
pub fn targets(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in repository.ending(".md") {
        for (line, link) in links(text) {
            if let Some(target) = resolve(path, link)
                && !repository.exists(&target)
            {
                findings.push(Finding::new(path, line, format!("the link to {link} leads nowhere")));
            }
        }
    }
    findings
}

/// Pages of `docs/` that neither `README.md` nor another page links to.
pub fn reachable(repository: &Repository) -> Vec<Finding> {
    let mut linked = BTreeSet::new();
    for (path, text) in repository.ending(".md") {
        linked.extend(links(text).filter_map(|(_, link)| resolve(path, link)).filter(|target| target != path));
    }
    let pages = repository.ending(".md").filter(|(path, _)| path.starts_with("docs/") && !linked.contains(*path));
    pages.map(|(path, _)| Finding::new(path, 0, "no other page links here")).collect()
}

/// The targets of inline links and pictures, and of reference definitions, outside code.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    let prose = text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    prose.flat_map(|(index, line)| {
        let inline = line.match_indices("](").filter_map(move |(at, _)| {
            // An odd number of ticks before it: inside code.
            let code = line[..at].matches('`').count() % 2 == 1;
            let target = line[at + 2..].split([')', ' ']).next()?;
            (!code).then_some(target)
        });
        let reference = line.starts_with('[').then(|| line.split_once("]: ")).flatten();
        let reference = reference.and_then(|(_, target)| target.split_whitespace().next());
        inline.chain(reference).map(move |target| (index + 1, target))
    })
}

/// The path a relative link means; none for addresses and for places in the same page.
fn resolve(page: &str, link: &str) -> Option<String> {
    let link = link.split('#').next().unwrap_or_default().trim_matches(['<', '>']);
    if link.is_empty() || link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = if link.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.iter().any(|part| !part.is_empty()) => {
                parts.pop();
            }
            // Above the root: such a file is not of this repository.
            ".." => parts.push(".."),
            part => parts.push(part),
        }
    }
    Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_folders_and_addresses_pass() {
        let readme = "[a](docs/a.md) and ![p](docs/p.png \"title\")\n[web](https://x.org/y) [here](#part) [tests](tests)\n\
                      `[no](link.md)`\n```\n[no](link.md)\n```\n[ref]: docs/a.md\n";
        let files = [("README.md", readme), ("docs/a.md", "[up](../README.md#tour)\n"), ("docs/p.png", ""), ("tests/x.rs", "")];
        assert_eq!(targets(&Repository::of(&files)), []);
        assert_eq!(reachable(&Repository::of(&files)), []);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let page = "[a](b.md)\n[up](../../x.md)\n\n[r]: gone.md\n";
        let findings = targets(&Repository::of(&[("docs/a.md", page)]));
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [1, 2, 4]);
    }

    #[test]
    fn a_page_that_only_links_to_itself_is_not_reachable() {
        let files = [("README.md", "[b](docs/b.md)"), ("docs/a.md", "[me](a.md)"), ("docs/b.md", "")];
        assert_eq!(reachable(&Repository::of(&files)), [Finding::new("docs/a.md", 0, "no other page links here")]);
    }
}
