//! Permissions in forms: the tree as boxes, and what does not stand in it as lines.

use certhold_domain::access::{Path, tree};

use crate::web::fields::Fields;
use crate::web::refused::sentence;
use crate::web::view::form::Input;
use crate::web::view::roles::{Node, Permission};

/// The tree with these ticked, and what is not in the tree as lines.
pub fn picker(chosen: &[String]) -> (Vec<Node>, Input) {
    let nodes: Vec<Node> = tree::nodes()
        .into_iter()
        .map(|node| Node {
            is_chosen: chosen.contains(&node.path),
            meaning: if node.meaning.is_empty() { String::new() } else { sentence(node.meaning) },
            depth: node.depth.min(5),
            path: node.path,
        })
        .collect();
    let further: Vec<&str> =
        chosen.iter().map(String::as_str).filter(|path| !nodes.iter().any(|node| node.path == *path)).collect();
    let further = Input::of(further.join("\n"));
    (nodes, further)
}

/// The tree and the lines as they were sent.
pub fn picker_sent(sent: &Fields) -> (Vec<Node>, Input) {
    let (nodes, _) = picker(&sent.all("grant"));
    (nodes, Input::of(sent.text("permissions")))
}

/// What was ticked and written.
pub fn sent(sent: &Fields) -> Vec<String> {
    [sent.all("grant"), sent.lines("permissions")].concat()
}

/// Paths as text.
pub fn texts(paths: &[Path]) -> Vec<String> {
    paths.iter().map(|path| path.as_str().to_owned()).collect()
}

/// A path with its meaning.
pub fn explained(path: &Path) -> Permission {
    Permission { path: path.as_str().into(), meaning: sentence(&tree::meaning(path.as_str())) }
}
