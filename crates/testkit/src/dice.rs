/// Numbers that look thrown and repeat themselves: the same seed gives the same numbers (SplitMix64, Steele, Lea and
/// Flood, 2014).
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The numbers of a seed. Seeds that follow one another give numbers that have nothing to do with each other.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn throw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but not, `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        // A remainder favours small numbers by less than a test could ever see.
        usize::try_from(self.throw() % limit as u64).unwrap()
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}
