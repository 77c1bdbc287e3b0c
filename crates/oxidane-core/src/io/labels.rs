//! Reference labels of a frame: energy, forces, stress, virial, charges, dipole, polarisability, under names that can be chosen.

use super::data::{Data, Shape};
use super::frame::Frame;
use crate::error::{Error, Result};
use crate::units::AMU_ANGSTROM2_PER_FS2;

/// The names under which a file holds its labels. The defaults are those that ASE writes. No other name is
/// tried: a file with `REF_energy` beside `energy` must not be guessed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelKeys {
    /// Per-frame total energy (eV).
    pub energy: String,
    /// Per-atom forces (eV/angstrom).
    pub forces: String,
    /// Per-frame stress (eV/angstrom^3, positive = tension).
    pub stress: String,
    /// Per-frame virial (eV), -dE/dstrain.
    pub virial: String,
    /// Per-atom charges (e).
    pub charges: String,
    /// Per-frame dipole (e angstrom).
    pub dipole: String,
    /// Per-frame polarisability (in the unit of whoever wrote the file).
    pub polarizability: String,
}

impl Default for LabelKeys {
    fn default() -> Self {
        Self {
            energy: "energy".into(),
            forces: "forces".into(),
            stress: "stress".into(),
            virial: "virial".into(),
            charges: "charges".into(),
            dipole: "dipole".into(),
            polarizability: "polarizability".into(),
        }
    }
}

/// Labels beyond this (in eV, angstrom and e) are damage; their squares would spoil every mean.
const LARGEST: f64 = 1e15;

/// A 3 x 3 matrix by rows.
type Matrix3 = [[f64; 3]; 3];

impl Frame {
    /// Total energy in eV; `None` if the frame has none.
    ///
    /// # Errors
    /// If the value is not one finite number.
    pub fn energy(&self, keys: &LabelKeys) -> Result<Option<f64>> {
        let Some(value) = self.info.get(&keys.energy) else { return Ok(None) };
        let x = value.as_real().ok_or_else(|| self.bad(&keys.energy, "is not one number"))?;
        self.finite(&keys.energy, &[x])?;
        Ok(Some(x))
    }

    /// Forces in eV/angstrom, one per atom.
    ///
    /// # Errors
    /// If the array does not have three columns of finite numbers.
    pub fn forces(&self, keys: &LabelKeys) -> Result<Option<Vec<[f64; 3]>>> {
        let Some(flat) = self.per_atom(&keys.forces, 3)? else { return Ok(None) };
        Ok(Some(flat.chunks_exact(3).map(|f| [f[0], f[1], f[2]]).collect()))
    }

    /// Atomic charges in e, one per atom.
    ///
    /// # Errors
    /// If the array does not have one column of finite numbers.
    pub fn charges(&self, keys: &LabelKeys) -> Result<Option<Vec<f64>>> {
        self.per_atom(&keys.charges, 1)
    }

    /// Dipole in e angstrom.
    ///
    /// # Errors
    /// If the value is not three finite numbers.
    pub fn dipole(&self, keys: &LabelKeys) -> Result<Option<[f64; 3]>> {
        let Some(value) = self.info.get(&keys.dipole) else { return Ok(None) };
        let flat = value.data().to_reals().unwrap_or_default();
        let &[x, y, z] = flat.as_slice() else { return Err(self.bad(&keys.dipole, "is not three numbers")) };
        self.finite(&keys.dipole, &flat)?;
        Ok(Some([x, y, z]))
    }

    /// Polarisability in the unit of the file, in the forms of [`Frame::stress`].
    ///
    /// # Errors
    /// If the value is not six or nine finite numbers.
    pub fn polarizability(&self, keys: &LabelKeys) -> Result<Option<Matrix3>> {
        self.tensor(&keys.polarizability)
    }

    /// Stress in eV/angstrom^3 (positive = tension): nine numbers, or six in the order xx yy zz yz xz xy. The
    /// antisymmetric part, which does no work, is dropped. Without a stress, one made from the virial,
    /// -virial/volume.
    ///
    /// # Errors
    /// If the value is not six or nine finite numbers, or a virial cannot be converted for want of a cell.
    pub fn stress(&self, keys: &LabelKeys) -> Result<Option<Matrix3>> {
        match self.tensor(&keys.stress)? {
            Some(stress) => Ok(Some(stress)),
            None => match self.tensor(&keys.virial)? {
                Some(virial) => Ok(Some(scaled(virial, -1.0 / self.volume(&keys.virial)?))),
                None => Ok(None),
            },
        }
    }

    /// Virial -dE/dstrain in eV, in the forms of [`Frame::stress`]. Without a virial, one made from the stress,
    /// -stress times volume.
    ///
    /// # Errors
    /// As for [`Frame::stress`].
    pub fn virial(&self, keys: &LabelKeys) -> Result<Option<Matrix3>> {
        match self.tensor(&keys.virial)? {
            Some(virial) => Ok(Some(virial)),
            None => match self.tensor(&keys.stress)? {
                Some(stress) => Ok(Some(scaled(stress, -self.volume(&keys.stress)?))),
                None => Ok(None),
            },
        }
    }

    /// Velocities in angstrom/fs, one per atom, for atoms of these masses (amu): the array `velocities`, in angstrom/fs
    /// as this program and CONTCAR files have it, else `momenta` in ASE's unit, sqrt(amu eV). `None` if there is
    /// neither.
    ///
    /// # Errors
    /// If the array does not have three columns of finite numbers.
    pub fn velocities(&self, masses: &[f64]) -> Result<Option<Vec<[f64; 3]>>> {
        let three = |flat: Vec<f64>| flat.chunks_exact(3).map(|v| [v[0], v[1], v[2]]).collect::<Vec<_>>();
        if let Some(velocities) = self.per_atom("velocities", 3)? {
            return Ok(Some(three(velocities)));
        }
        let Some(momenta) = self.per_atom("momenta", 3)? else { return Ok(None) };
        let unit = AMU_ANGSTROM2_PER_FS2.sqrt();
        let by_mass = |(p, m): ([f64; 3], &f64)| p.map(|p| p / (m * unit));
        Ok(Some(three(momenta).into_iter().zip(masses).map(by_mass).collect()))
    }

    /// The error for a label that a command needs and the frame lacks; it lists the names the frame has.
    pub fn missing_label(&self, label: &str, key: &str) -> Error {
        let per_frame = self.info.iter().filter(|(_, v)| !matches!(v.data(), Data::Text(_) | Data::Bool(_)));
        let per_atom = self.arrays.iter().filter(|(_, a)| !matches!(a.data, Data::Text(_) | Data::Bool(_)));
        let names: Vec<&str> =
            per_frame.map(|(k, _)| k.as_str()).chain(per_atom.map(|(k, _)| k.as_str())).take(12).collect();
        let has = if names.is_empty() {
            "it has no numbers at all".into()
        } else {
            format!("it has {}", names.join(", "))
        };
        self.origin.place(Error::input(format!(
            "no {label} under `{key}` in this frame; {has}: name the key that holds it"
        )))
    }

    fn tensor(&self, key: &str) -> Result<Option<Matrix3>> {
        let Some(value) = self.info.get(key) else { return Ok(None) };
        let flat = match value.shape() {
            Shape::Scalar => None,
            _ => value.data().to_reals(),
        };
        let flat = flat.unwrap_or_default();
        self.finite(key, &flat)?;
        match *flat.as_slice() {
            [xx, yy, zz, yz, xz, xy] => Ok(Some([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])),
            [a, b, c, d, e, f, g, h, i] => {
                let m = [[a, b, c], [d, e, f], [g, h, i]];
                Ok(Some(std::array::from_fn(|r| std::array::from_fn(|s| 0.5 * (m[r][s] + m[s][r])))))
            }
            _ => Err(self.bad(key, "is neither nine numbers nor six (xx yy zz yz xz xy)")),
        }
    }

    fn volume(&self, key: &str) -> Result<f64> {
        let volume = self.system.cell.map_or(0.0, |c| c.volume().abs());
        if volume > 0.0 {
            Ok(volume)
        } else {
            Err(self.bad(key, "needs a cell to be converted between stress and virial"))
        }
    }

    fn per_atom(&self, key: &str, columns: usize) -> Result<Option<Vec<f64>>> {
        let Some(array) = self.arrays.get(key) else { return Ok(None) };
        let wrong = || self.bad(key, &format!("is not {columns} number(s) per atom"));
        let flat = array.data.to_reals().ok_or_else(wrong)?;
        if array.columns != columns || flat.len() != columns * self.system.len() {
            return Err(wrong());
        }
        self.finite(key, &flat)?;
        Ok(Some(flat))
    }

    fn finite(&self, key: &str, values: &[f64]) -> Result<()> {
        if let Some(x) = values.iter().find(|x| !x.is_finite()) {
            return Err(self.bad(key, &format!("holds {x}, not a finite number")));
        }
        match values.iter().find(|x| x.abs() > LARGEST) {
            Some(x) => {
                Err(self.bad(key, &format!("holds {x:e}, which no structure has; is the file damaged?")))
            }
            None => Ok(()),
        }
    }

    fn bad(&self, key: &str, what: &str) -> Error {
        self.origin.place(Error::input(format!("`{key}` {what}")))
    }
}

fn scaled(m: Matrix3, factor: f64) -> Matrix3 {
    m.map(|row| row.map(|x| x * factor))
}
