//! Convenient reading of a [`Tree`].

use super::tensor::TensorRef;
use super::value::{Id, Kind, Tree};

/// One value of a tree, with its tree.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    tree: &'a Tree,
    id: Id,
}

impl<'a> Cursor<'a> {
    /// The value `id` of `tree`.
    pub fn new(tree: &'a Tree, id: Id) -> Self {
        Self { tree, id }
    }
    /// The value itself.
    pub fn kind(self) -> &'a Kind {
        self.tree.kind(self.id)
    }
    fn at(self, id: Id) -> Self {
        Self { tree: self.tree, id }
    }
    /// Text.
    pub fn as_str(self) -> Option<&'a str> {
        if let Kind::Str(s) = self.kind() { Some(s) } else { None }
    }
    /// Whether it is `None`.
    pub fn is_none(self) -> bool {
        matches!(self.kind(), Kind::None)
    }
    /// A boolean.
    pub fn as_bool(self) -> Option<bool> {
        if let Kind::Bool(b) = self.kind() { Some(*b) } else { None }
    }
    /// An integer of 64 bits.
    pub fn as_int(self) -> Option<i64> {
        if let Kind::Int(i) = self.kind() { Some(*i) } else { None }
    }
    /// A tensor.
    pub fn as_tensor(self) -> Option<&'a TensorRef> {
        if let Kind::Tensor(t) = self.kind() { Some(t) } else { None }
    }
    /// The entries of a dictionary.
    pub fn entries(self) -> Option<impl Iterator<Item = (Cursor<'a>, Cursor<'a>)>> {
        let Kind::Dict(items) = self.kind() else { return None };
        Some(items.iter().map(move |&(k, v)| (self.at(k), self.at(v))))
    }
    /// A dictionary's entry under a text key.
    pub fn get(self, key: &str) -> Option<Cursor<'a>> {
        let Kind::Dict(items) = self.kind() else { return None };
        items.iter().rev().find(|(k, _)| self.at(*k).as_str() == Some(key)).map(|&(_, v)| self.at(v))
    }
    /// The elements of a list, tuple or set.
    pub fn elements(self) -> Option<impl Iterator<Item = Cursor<'a>>> {
        let (Kind::List(items) | Kind::Tuple(items) | Kind::Set(items)) = self.kind() else { return None };
        Some(items.iter().map(move |&i| self.at(i)))
    }
    /// An object's class and state.
    pub fn as_object(self) -> Option<(&'a str, Option<Cursor<'a>>)> {
        let Kind::Object { class, state, .. } = self.kind() else { return None };
        Some((class, state.map(|s| self.at(s))))
    }
}
