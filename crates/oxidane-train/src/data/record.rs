//! A structure as bytes: what is hashed, and what is kept on the disk when memory is short.

use super::Member;
use super::labelled::{Labelled, Origin};
use oxidane_core::{Cell, System};

/// Everything about a structure that decides a training run (all but its origin): counts, flags, then numbers.
pub fn encode(frame: &Labelled) -> Vec<u8> {
    let s = &frame.system;
    let mut out = Vec::with_capacity(64 + s.len() * 64);
    out.extend((s.len() as u32).to_le_bytes());
    out.extend(s.charge.to_le_bytes());
    out.extend(s.unpaired.to_le_bytes());
    out.extend([frame.group, frame.set, frame.head].map(u32::to_le_bytes).concat());
    let periodic = s.cell.map_or([false; 3], |c| c.periodic);
    let flags = [
        s.cell.is_some(),
        periodic[0],
        periodic[1],
        periodic[2],
        frame.energy.is_some(),
        frame.forces.is_some(),
        frame.virial.is_some(),
        frame.charges.is_some(),
        frame.dipole.is_some(),
        frame.polarizability.is_some(),
    ];
    out.extend(flags.map(u8::from));
    out.extend(&s.numbers);
    let cell = s.cell.iter().flat_map(|c| c.vectors.iter().flatten());
    let labels = frame.forces.iter().flatten().flatten().chain(frame.virial.iter().flatten().flatten());
    let labels = frame.energy.iter().chain(labels).chain(frame.charges.iter().flatten());
    let labels = labels.chain(frame.dipole.iter().flatten());
    let labels = labels.chain(frame.polarizability.iter().flatten().flatten());
    for x in [frame.weight].iter().chain(s.positions.iter().flatten()).chain(cell).chain(labels) {
        out.extend(x.to_le_bytes());
    }
    // At the end, so that a structure without a family has the bytes, and the hash, that it had before there were families.
    if let Some(member) = frame.member {
        out.extend(member.family.to_le_bytes());
        out.extend([u8::from(member.only), u8::from(member.coefficient.is_some())]);
        out.extend(member.coefficient.iter().flat_map(|c| c.to_le_bytes()));
    }
    out
}

/// The structure that [`encode`] wrote; `None` if the bytes are damaged.
pub fn decode(bytes: &[u8], origin: Origin) -> Option<Labelled> {
    let mut r = Reader(bytes);
    let n = u32::from_le_bytes(r.take()?) as usize;
    let charge = i32::from_le_bytes(r.take()?);
    let unpaired = u32::from_le_bytes(r.take()?);
    let [group, set, head] = [r.take()?, r.take()?, r.take()?].map(u32::from_le_bytes);
    let flags = r.take::<10>()?.map(|b| b != 0);
    let numbers = r.0.split_off(..n)?.to_vec();
    let weight = r.number()?;
    let positions = r.many(n, Reader::vector)?;
    let cell = r.given(flags[0], Reader::matrix)?;
    let cell = cell.map(|vectors| Cell { vectors, periodic: [flags[1], flags[2], flags[3]] });
    let energy = r.given(flags[4], Reader::number)?;
    let forces = r.given(flags[5], |r| r.many(n, Reader::vector))?;
    let virial = r.given(flags[6], Reader::matrix)?;
    let charges = r.given(flags[7], |r| r.many(n, Reader::number))?;
    let dipole = r.given(flags[8], Reader::vector)?;
    let polarizability = r.given(flags[9], Reader::matrix)?;
    let member = r.given(!r.0.is_empty(), Reader::member)?;
    let system = System { numbers, positions, cell, charge, unpaired };
    let labels =
        Labelled { energy, forces, virial, charges, dipole, polarizability, ..Labelled::new(system) };
    r.0.is_empty().then_some(Labelled { weight, group, set, head, member, origin, ..labels })
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }
    fn member(&mut self) -> Option<Member> {
        let family = u32::from_le_bytes(self.take()?);
        let [only, factor] = self.take::<2>()?;
        let coefficient = self.given(factor != 0, Self::number)?;
        Some(Member { family, coefficient, only: only != 0 })
    }
    fn number(&mut self) -> Option<f64> {
        self.take().map(f64::from_le_bytes)
    }
    fn vector(&mut self) -> Option<[f64; 3]> {
        Some([self.number()?, self.number()?, self.number()?])
    }
    fn matrix(&mut self) -> Option<[[f64; 3]; 3]> {
        Some([self.vector()?, self.vector()?, self.vector()?])
    }
    fn many<T>(&mut self, n: usize, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..n).map(|_| read(self)).collect()
    }
    fn given<T>(&mut self, present: bool, read: impl Fn(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if present { read(self).map(Some) } else { Some(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_survive_and_damage_is_noticed() {
        let mut full = Labelled::new(System::molecule(vec![1, 8], vec![[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]]));
        let bare = full.clone();
        full.system.cell = Some(Cell {
            vectors: [[9.0, 0.0, 0.0], [1.0, 8.0, 0.0], [0.0, 0.0, 7.0]],
            periodic: [true, false, true],
        });
        full.system.charge = -1;
        full.energy = Some(-0.1);
        full.forces = Some(vec![[1.0, 2.0, -0.0], [4.0, 5.0, 6.0]]);
        full.virial = Some([[1.0, 0.5, 0.0], [0.5, 2.0, 0.0], [0.0, 0.0, 3.0]]);
        full.charges = Some(vec![0.5, -1.5]);
        full.dipole = Some([0.1, 0.2, 0.3]);
        full.polarizability = Some([[9.0, 0.1, 0.2], [0.1, 8.0, 0.3], [0.2, 0.3, 7.0]]);
        (full.weight, full.group, full.set, full.head) = (0.25, 7, 3, 2);
        let mut part = full.clone();
        part.member = Some(Member { family: 9, coefficient: Some(-1.0), only: true });
        full.member = Some(Member { family: 4, coefficient: None, only: false });
        for frame in [full, part, bare] {
            let bytes = encode(&frame);
            assert_eq!(decode(&bytes, frame.origin).as_ref(), Some(&frame));
            // Without its end a member is one of no family.
            let alone = encode(&Labelled { member: None, ..frame.clone() }).len();
            for n in (0..bytes.len()).filter(|&n| n != alone) {
                assert_eq!(decode(&bytes[..n], frame.origin), None);
            }
        }
    }
}
