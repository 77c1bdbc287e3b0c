//! The stack machine of the pickle format (protocols 2 to 5), without any calling of code.

use super::tensor::{Dtype, TensorRef};
use super::value::{Id, Kind, Tree};
use oxidane_core::{Error, Result};
use std::collections::HashMap;

/// Runs a whole pickle. Every instruction makes at most two values, and what instructions copy from earlier values is
/// rationed, so memory grows with the file's own length only.
pub(super) fn run(bytes: &[u8]) -> Result<Tree> {
    let mut m = Machine { bytes, budget: 16 * bytes.len() + 4096, ..Machine::default() };
    let outcome = m.execute();
    let at = m.last;
    outcome.map(|root| Tree { nodes: std::mem::take(&mut m.nodes), root }).map_err(|what| {
        Error::model(format!(
            "pickle instruction at byte {at}: {what}; the file is damaged or not a checkpoint"
        ))
    })
}

/// What went wrong, without the place.
type Step<T> = std::result::Result<T, String>;

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    /// Next byte to read.
    pos: usize,
    /// Place of the current instruction.
    last: usize,
    nodes: Vec<Kind>,
    stack: Vec<Id>,
    /// Stack heights at the open marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// Bytes or elements that may still be copied from earlier values; honest files stay far below.
    budget: usize,
}

impl Machine<'_> {
    fn execute(&mut self) -> Step<Id> {
        loop {
            self.last = self.pos;
            let op = self.take(1)?[0];
            if op == b'.' {
                return self.pop();
            }
            self.step(op)?;
        }
    }

    fn step(&mut self, op: u8) -> Step<()> {
        match op {
            0x80 => {
                let version = self.take(1)?[0];
                if !(2..=5).contains(&version) {
                    return Err(format!("pickle protocol {version} is not supported (2 to 5 are)"));
                }
            }
            0x95 => drop(self.take(8)?), // FRAME: a hint for buffered readers
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' => self.push(Kind::None)?,
            0x88 => self.push(Kind::Bool(true))?,
            0x89 => self.push(Kind::Bool(false))?,
            b'J' => {
                let v = i32::from_le_bytes(self.array()?);
                self.push(Kind::Int(v.into()))?;
            }
            b'K' => {
                let v = self.take(1)?[0];
                self.push(Kind::Int(v.into()))?;
            }
            b'M' => {
                let v = u16::from_le_bytes(self.array()?);
                self.push(Kind::Int(v.into()))?;
            }
            0x8a => {
                let n = self.take(1)?[0].into();
                self.long(n)?;
            }
            0x8b => {
                let n = self.length4()?;
                self.long(n)?;
            }
            b'G' => {
                let v = f64::from_be_bytes(self.array()?);
                self.push(Kind::Float(v))?;
            }
            b'X' | b'T' => {
                let n = self.length4()?;
                self.text(n)?;
            }
            0x8c | b'U' => {
                let n = self.take(1)?[0].into();
                self.text(n)?;
            }
            0x8d => {
                let n = self.length8()?;
                self.text(n)?;
            }
            b'B' => {
                let n = self.length4()?;
                self.raw(n)?;
            }
            b'C' => {
                let n = self.take(1)?[0].into();
                self.raw(n)?;
            }
            0x8e | 0x96 => {
                let n = self.length8()?;
                self.raw(n)?;
            }
            b')' => self.push(Kind::Tuple(vec![]))?,
            b']' => self.push(Kind::List(vec![]))?,
            b'}' => self.push(Kind::Dict(vec![]))?,
            0x8f => self.push(Kind::Set(vec![]))?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Kind::Tuple(items))?;
            }
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(op - 0x84))?;
                self.push(Kind::Tuple(items))?;
            }
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Kind::List(items))?;
            }
            0x91 => {
                let items = self.pop_to_mark()?;
                self.push(Kind::Set(items))?;
            }
            b'd' => {
                let items = pairs(self.pop_to_mark()?)?;
                self.push(Kind::Dict(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.append(items)?;
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.set_items(pairs(items)?)?;
            }
            b'u' => {
                let items = pairs(self.pop_to_mark()?)?;
                self.set_items(items)?;
            }
            b'q' => {
                let n = self.take(1)?[0].into();
                self.store(n)?;
            }
            b'r' => {
                let n = u32::from_le_bytes(self.array()?);
                self.store(n)?;
            }
            0x94 => {
                let n = u32::try_from(self.memo.len()).map_err(|_| "too many values")?;
                self.store(n)?;
            }
            b'h' => {
                let n = self.take(1)?[0].into();
                self.recall(n)?;
            }
            b'j' => {
                let n = u32::from_le_bytes(self.array()?);
                self.recall(n)?;
            }
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.push(Kind::Global(full_name(&module, &name)))?;
            }
            0x93 => {
                let name = self.pop_text()?;
                let module = self.pop_text()?;
                self.push(Kind::Global(full_name(&module, &name)))?;
            }
            b'R' => self.call()?,
            0x81 => self.call()?, // NEWOBJ: class.__new__(class, *args), the same to a reader that calls nothing
            0x92 => {
                // NEWOBJ_EX: class, args, keyword args
                let keywords = self.pop()?;
                if !matches!(self.kind(keywords), Kind::Dict(d) if d.is_empty()) {
                    return Err("a call with keyword arguments".into());
                }
                self.call()?;
            }
            b'o' => {
                let mut items = self.pop_to_mark()?;
                if items.is_empty() {
                    return Err("a call of nothing".into());
                }
                let function = items.remove(0);
                let args = self.add(Kind::Tuple(items))?;
                self.stack.push(function);
                self.stack.push(args);
                self.call()?;
            }
            b'b' => self.build()?,
            b'Q' => self.persistent()?,
            _ => return Err(format!("unknown instruction 0x{op:02x}")),
        }
        Ok(())
    }

    // Reading.

    fn take(&mut self, n: usize) -> Step<&[u8]> {
        let end =
            self.pos.checked_add(n).filter(|&e| e <= self.bytes.len()).ok_or("the data end too early")?;
        let start = std::mem::replace(&mut self.pos, end);
        Ok(&self.bytes[start..end])
    }
    fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        Ok(self.take(N)?.try_into().unwrap())
    }
    fn length4(&mut self) -> Step<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }
    fn length8(&mut self) -> Step<usize> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| "an absurd length".into())
    }
    fn line(&mut self) -> Step<String> {
        let rest = &self.bytes[self.pos..];
        let n = rest.iter().position(|&b| b == b'\n').ok_or("the data end too early")?;
        let text = std::str::from_utf8(&rest[..n]).map_err(|_| "a name that is not UTF-8")?.to_owned();
        self.pos += n + 1;
        Ok(text)
    }
    fn text(&mut self, n: usize) -> Step<()> {
        let s = std::str::from_utf8(self.take(n)?).map_err(|_| "text that is not UTF-8")?.to_owned();
        self.push(Kind::Str(s))
    }
    fn raw(&mut self, n: usize) -> Step<()> {
        let b = self.take(n)?.to_vec();
        self.push(Kind::Bytes(b))
    }
    fn long(&mut self, n: usize) -> Step<()> {
        let b = self.take(n)?;
        let kind = if b.len() <= 8 {
            let fill = if b.last().is_some_and(|&x| x & 0x80 != 0) { 0xff } else { 0 };
            let mut all = [fill; 8];
            all[..b.len()].copy_from_slice(b);
            Kind::Int(i64::from_le_bytes(all))
        } else {
            Kind::BigInt(b.to_vec())
        };
        self.push(kind)
    }

    // The stack and the table.

    fn add(&mut self, kind: Kind) -> Step<Id> {
        let id = u32::try_from(self.nodes.len()).map_err(|_| "too many values")?;
        self.nodes.push(kind);
        Ok(Id(id))
    }
    fn spend(&mut self, n: usize) -> Step<()> {
        self.budget = self.budget.checked_sub(n).ok_or("it repeats itself absurdly often")?;
        Ok(())
    }
    fn push(&mut self, kind: Kind) -> Step<()> {
        let id = self.add(kind)?;
        self.stack.push(id);
        Ok(())
    }
    fn kind(&self, id: Id) -> &Kind {
        &self.nodes[id.0 as usize]
    }
    /// Height below which the open mark forbids popping.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }
    fn top(&self) -> Step<Id> {
        if self.stack.len() <= self.floor() {
            return Err("the stack is empty".into());
        }
        Ok(self.stack[self.stack.len() - 1])
    }
    fn pop(&mut self) -> Step<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }
    fn pop_many(&mut self, n: usize) -> Step<Vec<Id>> {
        let start =
            self.stack.len().checked_sub(n).filter(|&s| s >= self.floor()).ok_or("the stack is empty")?;
        Ok(self.stack.split_off(start))
    }
    fn pop_to_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or("no open mark")?;
        Ok(self.stack.split_off(mark))
    }
    fn pop_text(&mut self) -> Step<String> {
        let id = self.pop()?;
        let text = match self.kind(id) {
            Kind::Str(s) => s.clone(),
            other => return Err(format!("a name that is {}", other.name())),
        };
        self.spend(text.len())?;
        Ok(text)
    }
    fn store(&mut self, n: u32) -> Step<()> {
        let top = self.top()?;
        self.memo.insert(n, top);
        Ok(())
    }
    fn recall(&mut self, n: u32) -> Step<()> {
        let id = *self.memo.get(&n).ok_or("a reference to a value that was never stored")?;
        self.stack.push(id);
        Ok(())
    }
    fn append(&mut self, new: Vec<Id>) -> Step<()> {
        let target = self.top()?;
        match &mut self.nodes[target.0 as usize] {
            Kind::List(items) | Kind::Set(items) | Kind::Object { list: items, .. } => items.extend(new),
            other => return Err(format!("elements appended to {}", other.name())),
        }
        Ok(())
    }
    fn set_items(&mut self, new: Vec<(Id, Id)>) -> Step<()> {
        let target = self.top()?;
        match &mut self.nodes[target.0 as usize] {
            Kind::Dict(items) | Kind::Object { items, .. } => items.extend(new),
            other => return Err(format!("entries set on {}", other.name())),
        }
        Ok(())
    }

    // What Python would call.

    fn call(&mut self) -> Step<()> {
        let args = self.pop()?;
        let function = self.pop()?;
        let Kind::Global(name) = self.kind(function) else {
            return Err(format!("a call of {}", self.kind(function).name()));
        };
        let name = name.clone();
        let list = match self.kind(args) {
            Kind::Tuple(items) => items.clone(),
            _ => vec![],
        };
        self.spend(name.len() + list.len())?;
        let id = self.known_call(&name, &list)?;
        let id = match id {
            Some(id) => id,
            None => {
                let (items, list) = (vec![], vec![]);
                self.add(Kind::Object { class: name, args, state: None, items, list })?
            }
        };
        self.stack.push(id);
        Ok(())
    }

    /// The few calls that are understood; `None` for all others.
    fn known_call(&mut self, name: &str, args: &[Id]) -> Step<Option<Id>> {
        let kind = match name {
            "torch._utils._rebuild_tensor"
            | "torch._utils._rebuild_tensor_v2"
            | "torch._utils._rebuild_tensor_v3" => self.tensor(args)?,
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                return match args.first() {
                    Some(&id) if matches!(self.kind(id), Kind::Tensor(_)) => Ok(Some(id)),
                    _ => Err("a parameter without a tensor".into()),
                };
            }
            "torch._tensor._rebuild_from_type_v2" => {
                let (Some(&function), Some(&inner)) = (args.first(), args.get(2)) else {
                    return Err("a tensor subclass without its tensor".into());
                };
                match (self.kind(function), self.kind(inner)) {
                    (Kind::Global(f), Kind::Tuple(a)) if f.starts_with("torch._utils._rebuild_tensor") => {
                        let a = a.clone();
                        self.tensor(&a)?
                    }
                    _ => return Ok(None),
                }
            }
            "collections.OrderedDict" | "builtins.dict" => match args {
                [] => Kind::Dict(vec![]),
                &[one] => Kind::Dict(self.pair_list(one)?),
                _ => return Err("a dictionary made from several values".into()),
            },
            // The argument is the factory of missing values, which a stored dictionary never needs.
            "collections.defaultdict" => Kind::Dict(vec![]),
            "builtins.list" => Kind::List(self.elements(args)?),
            "builtins.tuple" | "torch.Size" => Kind::Tuple(self.elements(args)?),
            "builtins.set" | "builtins.frozenset" => Kind::Set(self.elements(args)?),
            // Protocol 2 writes bytes as text with one character per byte.
            "_codecs.encode" => match args.first().map(|&id| self.kind(id)) {
                Some(Kind::Str(s)) => Kind::Bytes(
                    s.chars()
                        .map(|c| u8::try_from(u32::from(c)).map_err(|_| "bytes with a large character"))
                        .collect::<std::result::Result<_, _>>()?,
                ),
                _ => return Err("bytes that are not text".into()),
            },
            "numpy.core.multiarray.scalar" | "numpy._core.multiarray.scalar" => match self.numpy_scalar(args)
            {
                Some(kind) => kind,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.spend(match &kind {
            Kind::Dict(items) => 2 * items.len(),
            Kind::List(items) | Kind::Tuple(items) | Kind::Set(items) => items.len(),
            Kind::Bytes(bytes) => bytes.len(),
            Kind::Tensor(t) => t.key.len() + 4 * t.shape.len(),
            _ => 0,
        })?;
        Ok(Some(self.add(kind)?))
    }

    fn elements(&self, args: &[Id]) -> Step<Vec<Id>> {
        match args {
            [] => Ok(vec![]),
            &[one] => match self.kind(one) {
                Kind::List(items) | Kind::Tuple(items) | Kind::Set(items) => Ok(items.clone()),
                other => Err(format!("a container made from {}", other.name())),
            },
            _ => Err("a container made from several values".into()),
        }
    }

    fn pair_list(&self, id: Id) -> Step<Vec<(Id, Id)>> {
        let (Kind::List(items) | Kind::Tuple(items)) = self.kind(id) else {
            return match self.kind(id) {
                Kind::Dict(items) => Ok(items.clone()),
                other => Err(format!("a dictionary made from {}", other.name())),
            };
        };
        items
            .iter()
            .map(|&i| match self.kind(i) {
                Kind::List(p) | Kind::Tuple(p) if p.len() == 2 => Ok((p[0], p[1])),
                _ => Err("a dictionary made from values that are not pairs".into()),
            })
            .collect()
    }

    /// A NumPy number: its type object (`dtype('f8')`, byte order in the state) and its bytes.
    fn numpy_scalar(&self, args: &[Id]) -> Option<Kind> {
        let (&dtype, &data) = (args.first()?, args.get(1)?);
        let Kind::Object { class, args, state, .. } = self.kind(dtype) else { return None };
        let (Kind::Tuple(args), Kind::Bytes(data)) = (self.kind(*args), self.kind(data)) else { return None };
        let Kind::Str(code) = self.kind(*args.first()?) else { return None };
        let big = match state.map(|s| self.kind(s)) {
            Some(Kind::Tuple(s)) => matches!(self.kind(*s.get(1)?), Kind::Str(o) if o == ">"),
            _ => false,
        };
        if class != "numpy.dtype" || data.len() > 8 {
            return None;
        }
        let mut b = [0u8; 8];
        b[..data.len()].copy_from_slice(data);
        if big {
            b[..data.len()].reverse();
        }
        let bits = u64::from_le_bytes(b);
        Some(match (code.as_str(), data.len()) {
            ("f8", 8) => Kind::Float(f64::from_bits(bits)),
            ("f4", 4) => Kind::Float(f32::from_bits(bits as u32).into()),
            ("i8", 8) => Kind::Int(bits as i64),
            ("i4", 4) => Kind::Int((bits as u32 as i32).into()),
            ("i2", 2) => Kind::Int((bits as u16 as i16).into()),
            ("i1", 1) => Kind::Int((bits as u8 as i8).into()),
            ("u4" | "u2" | "u1", 1..=4) => Kind::Int(bits as i64),
            ("b1", 1) => Kind::Bool(bits != 0),
            _ => return None,
        })
    }

    fn tensor(&self, args: &[Id]) -> Step<Kind> {
        let [storage, offset, shape, stride, rest @ ..] = args else {
            return Err("a tensor with too few arguments".into());
        };
        let Kind::Storage { dtype, key, len } = self.kind(*storage) else {
            return Err(format!("a tensor whose storage is {}", self.kind(*storage).name()));
        };
        // Untyped storages count bytes; the tensor names its element type after (requires_grad, hooks).
        let (dtype, storage_len) = match (dtype, rest.get(2).map(|&id| self.kind(id))) {
            (Some(d), _) => (*d, *len),
            (None, Some(Kind::Global(name))) => {
                let d = Dtype::from_type_object(name).ok_or_else(|| format!("tensors of type {name}"))?;
                (d, len / d.size() as u64)
            }
            _ => return Err("a tensor without an element type".into()),
        };
        let (shape, stride) = (self.sizes(*shape)?, self.sizes(*stride)?);
        if shape.len() != stride.len() {
            return Err("a tensor with unequal numbers of sizes and strides".into());
        }
        let offset = self.size(*offset)?;
        Ok(Kind::Tensor(TensorRef { dtype, key: key.clone(), storage_len, offset, shape, stride }))
    }
    fn size(&self, id: Id) -> Step<u64> {
        match self.kind(id) {
            &Kind::Int(n) => u64::try_from(n).map_err(|_| format!("a negative size {n}")),
            other => Err(format!("a size that is {}", other.name())),
        }
    }
    fn sizes(&self, id: Id) -> Step<Vec<u64>> {
        let (Kind::Tuple(items) | Kind::List(items)) = self.kind(id) else {
            return Err(format!("a shape that is {}", self.kind(id).name()));
        };
        if items.len() > 64 {
            return Err(format!("a tensor of {} dimensions", items.len()));
        }
        items.iter().map(|&i| self.size(i)).collect()
    }

    fn build(&mut self) -> Step<()> {
        let state = self.pop()?;
        let target = self.top()?;
        match &mut self.nodes[target.0 as usize] {
            Kind::Object { state: slot, .. } => *slot = Some(state),
            // Attributes on a dictionary (`_metadata` of a state dictionary) or a parameter carry no numbers.
            Kind::Dict(_) | Kind::Tensor(_) => {}
            other => return Err(format!("a state given to {}", other.name())),
        }
        Ok(())
    }

    /// `("storage", class, key, device, length)`, torch's only use of persistent ids.
    fn persistent(&mut self) -> Step<()> {
        let id = self.pop()?;
        let bad = || "an external reference that is not a tensor storage".to_string();
        let Kind::Tuple(parts) = self.kind(id) else { return Err(bad()) };
        let [tag, class, key, _device, len, ..] = parts[..] else { return Err(bad()) };
        let (Kind::Str(tag), Kind::Global(class), Kind::Str(key)) =
            (self.kind(tag), self.kind(class), self.kind(key))
        else {
            return Err(bad());
        };
        if tag != "storage" {
            return Err(bad());
        }
        let dtype = match class.as_str() {
            "torch.storage.UntypedStorage" | "torch.UntypedStorage" => None,
            name => Some(Dtype::from_storage_class(name).ok_or_else(|| format!("storages of type {name}"))?),
        };
        let key = key.clone();
        let len = self.size(len)?;
        self.spend(key.len())?;
        self.push(Kind::Storage { dtype, key, len })
    }
}

/// `module.name`, with the old name of Python's built-in module replaced.
fn full_name(module: &str, name: &str) -> String {
    let module = if module == "__builtin__" { "builtins" } else { module };
    format!("{module}.{name}")
}

fn pairs(items: Vec<Id>) -> Step<Vec<(Id, Id)>> {
    if items.len() % 2 == 1 {
        return Err("a key without a value".into());
    }
    Ok(items.chunks_exact(2).map(|p| (p[0], p[1])).collect())
}
