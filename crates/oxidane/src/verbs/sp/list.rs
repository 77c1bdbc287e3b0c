//! How `sp` shows its results: a table of energies, or a block per structure.

use oxidane_core::units::{BOHR, COULOMB, DEBYE, GIGAPASCAL, HARTREE};
use oxidane_core::{Electronic, Evaluation, Request, System, elements};

use super::Done;
use crate::args::{ShowArgs, SpArgs};
use crate::exit::Outcome;
use crate::output::table::{Column, Table, fit};
use crate::output::{Out, json};
use crate::structures::formula;

/// Bond orders below this are not bonds to a reader.
const SHOWN_BOND_ORDER: f64 = 0.1;

/// The printed list: a table if only energies are asked for, else a block per structure.
pub struct List<'a> {
    show: &'a ShowArgs,
    /// Whether all results are shown.
    all: bool,
    table: Option<Table>,
    rows: usize,
    /// Whether something stands above the first structure.
    headed: bool,
    /// Whether energies have an uncertainty.
    uncertain: bool,
    /// Whether polarisabilities are derivatives of the dipole, and not of a head of their own.
    responds: bool,
}

impl<'a> List<'a> {
    /// The list that the options ask for.
    pub fn new(args: &'a SpArgs, request: Request, responds: bool, quiet: bool) -> Self {
        let named = args.show.any();
        let bare = Request { uncertainty: false, ..request };
        let uncertain = request.uncertainty;
        let only_energy = request.energy && (args.out.is_some() && !named || bare == Request::ENERGY);
        // Without an energy there is no table of energies: what the model has is shown instead.
        let all = args.show.all || !named && !request.energy;
        let table = only_energy.then(|| {
            let mut columns = vec![
                Column::number("#", 4),
                Column::text("structure", 28),
                Column::text("formula", 12),
                Column::number("atoms", 5),
                Column::number("charge", 6),
                Column::number("mult.", 5),
                Column::number("unpaired", 8),
                Column::number("energy / eV", 17),
                Column::number("energy / Eh", 16),
            ];
            if uncertain {
                columns.push(Column::number("+/- / eV", 9));
            }
            Table::new(columns)
        });
        Self { show: &args.show, all, table, rows: 0, headed: !quiet, uncertain, responds }
    }

    /// Prints one structure.
    pub fn print(&mut self, out: &mut Out, done: &Done) -> Outcome {
        self.rows += 1;
        let system = &done.structure.frame.system;
        let (Some(table), Some(energy)) = (&self.table, done.results.energy) else {
            return self.block(out, done);
        };
        if self.rows == 1 {
            out.line(format_args!("{}{}", if self.headed { "\n" } else { "" }, table.head()))?;
        }
        let mut cells = vec![
            self.rows.to_string(),
            fit(&done.structure.name(), 28),
            fit(&formula(&system.numbers), 12),
            system.len().to_string(),
            system.charge.to_string(),
            system.multiplicity().to_string(),
            system.unpaired.to_string(),
            format!("{energy:.6}"),
            format!("{:.8}", energy / HARTREE),
        ];
        if self.uncertain {
            cells.push(
                done.results.uncertainty.as_ref().map_or(String::new(), |u| format!("{:.4}", u.energy)),
            );
        }
        out.line(table.row(&cells))
    }

    fn block(&self, out: &mut Out, done: &Done) -> Outcome {
        let (structure, results) = (&done.structure, &done.results);
        let system = &structure.frame.system;
        let gap = if self.headed || self.rows > 1 { "\n" } else { "" };
        out.line(format_args!("{gap}{}. {}  {}", self.rows, structure.name(), formula(&system.numbers)))?;
        out.line(format_args!(
            "   {} atoms   charge {}   multiplicity {} ({} unpaired)",
            system.len(),
            system.charge,
            system.multiplicity(),
            system.unpaired
        ))?;
        if let Some(ev) = results.energy {
            let off =
                results.uncertainty.as_ref().map_or(String::new(), |u| format!("   +/- {:.4} eV", u.energy));
            out.line(format_args!("   energy  {ev:.6} eV   {:.8} Eh{off}", ev / HARTREE))?;
        }
        let show = |asked: bool| asked || self.all;
        if let Some(dipole) = results.dipole.filter(|_| show(self.show.dipole)) {
            let size = dipole.iter().map(|x| x * x).sum::<f64>().sqrt();
            let [x, y, z] = dipole;
            let debye = size / DEBYE;
            let about =
                json::dipole_origin(system, results).map_or(String::new(), |o| format!("   about: {o}"));
            out.line(format_args!(
                "   dipole  {x:.5} {y:.5} {z:.5} e angstrom   |mu| {size:.5} e angstrom = {debye:.4} D{about}"
            ))?;
        }
        if let Some(electronic) = results.electronic.as_ref().filter(|_| self.all) {
            orbitals(out, system, electronic)?;
        }
        if let Some(tensor) = results.polarizability.filter(|_| show(self.show.polar)) {
            polarizability(out, &tensor, self.responds)?;
        }
        if let Some(virial) = results.virial.filter(|_| show(self.show.virial)) {
            matrix(out, "virial -dE/dstrain / eV", &virial, 6)?;
        }
        if let Some(stress) = json::stress(system, results).filter(|_| show(self.show.stress)) {
            matrix(out, "stress / GPa (positive = tension)", &stress.map(|r| r.map(|x| x / GIGAPASCAL)), 6)?;
            matrix(out, "stress / (eV/angstrom^3)", &stress, 9)?;
        }
        atoms(out, system, results, show(self.show.forces), show(self.show.charges))?;
        match &results.born_charges {
            Some(born) => born_charges(out, system, born),
            None => Ok(()),
        }
    }
}

/// The frontier orbitals and the bonds.
fn orbitals(out: &mut Out, system: &System, electronic: &Electronic) -> Outcome {
    if let (Some([homo, lumo]), Some(gap)) = (electronic.frontier, electronic.gap()) {
        out.line(format_args!("   orbitals  HOMO {homo:.4} eV   LUMO {lumo:.4} eV   gap {gap:.4} eV"))?;
    }
    let name = |i: usize| format!("{}{}", elements::symbol(system.numbers[i]), i + 1);
    let bonds: Vec<_> = electronic.bond_orders.iter().filter(|b| b.2 >= SHOWN_BOND_ORDER).collect();
    for (row, bonds) in bonds.chunks(5).enumerate() {
        let list: Vec<_> =
            bonds.iter().map(|(i, j, order)| format!("{}-{} {order:.3}", name(*i), name(*j))).collect();
        let head = if row == 0 { "bond orders" } else { "" };
        out.line(format_args!("   {head:<11}  {}", list.join("   ")))?;
    }
    Ok(())
}

/// In e angstrom^2/V and, for people, as a volume: k_e times that. The mean is a third of the trace.
fn polarizability(out: &mut Out, tensor: &[[f64; 3]; 3], responds: bool) -> Outcome {
    if !responds {
        return matrix(out, "polarisability (units of the training data)", tensor, 5);
    }
    matrix(out, "polarisability / (e angstrom^2/V)", tensor, 5)?;
    let mean = COULOMB * (0..3).map(|k| tensor[k][k]).sum::<f64>() / 3.0;
    out.line(format_args!("   mean polarisability  {mean:.5} angstrom^3 = {:.4} bohr^3", mean / BOHR.powi(3)))
}

/// Rows are components of the dipole.
fn born_charges(out: &mut Out, system: &System, born: &[[[f64; 3]; 3]]) -> Outcome {
    let components = ["xx", "xy", "xz", "yx", "yy", "yz", "zx", "zy", "zz"];
    let mut columns = vec![Column::number("atom", 5), Column::text("", 2)];
    columns.extend(components.map(|c| Column::number(c, 9)));
    let table = Table::new(columns);
    out.line("   Born charges d mu_a / d r_b / e, ab =")?;
    out.line(table.head())?;
    for (i, (&z, born)) in system.numbers.iter().zip(born).enumerate() {
        let mut cells = vec![(i + 1).to_string(), elements::symbol(z).to_owned()];
        cells.extend(born.iter().flatten().map(|x| format!("{x:.4}")));
        out.line(table.row(&cells))?;
    }
    Ok(())
}

fn matrix(out: &mut Out, title: &str, m: &[[f64; 3]; 3], decimals: usize) -> Outcome {
    out.line(format_args!("   {title}"))?;
    m.iter().try_for_each(|[x, y, z]| {
        out.line(format_args!("   {x:16.decimals$} {y:16.decimals$} {z:16.decimals$}"))
    })
}

/// The table of per-atom results.
fn atoms(out: &mut Out, system: &System, results: &Evaluation, forces: bool, charges: bool) -> Outcome {
    let forces = results.forces.as_ref().filter(|_| forces);
    let charges = results.charges.as_ref().filter(|_| charges);
    if forces.is_none() && charges.is_none() {
        return Ok(());
    }
    let mut columns = vec![Column::number("atom", 5), Column::text("", 2)];
    if charges.is_some() {
        columns.push(Column::number("charge / e", 10));
    }
    if forces.is_some() {
        columns.extend(["force x / (eV/A)", "y", "z", "|F|"].map(|head| Column::number(head, 11)));
    }
    let table = Table::new(columns);
    out.line(table.head())?;
    for (i, &z) in system.numbers.iter().enumerate() {
        let mut cells = vec![(i + 1).to_string(), elements::symbol(z).to_owned()];
        cells.extend(charges.map(|q| format!("{:.5}", q[i])));
        if let Some(f) = forces.map(|f| f[i]) {
            cells.extend(f.map(|x| format!("{x:.6}")));
            cells.push(format!("{:.6}", f.iter().map(|x| x * x).sum::<f64>().sqrt()));
        }
        out.line(table.row(&cells))?;
    }
    Ok(())
}

impl ShowArgs {
    /// Whether anything besides the energy is to be shown.
    fn any(&self) -> bool {
        self.forces
            || self.virial
            || self.stress
            || self.charges
            || self.dipole
            || self.polar
            || self.born_charges
            || self.all
    }
}
