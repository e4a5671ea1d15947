-- data source `misspelt`
-- withdrawn: policy `p-misspelt`: line 1, column 15: the data source has no column `c_phon` (did you mean `c_phone`?)

-- data source `untagged`
-- withdrawn: policy `p-untagged`: line 1, column 1: the data source has no column tagged `pii.fone` (did you mean `pii.phone`?)

-- data source `mistyped`
-- withdrawn: policy `p-mistyped`: line 1, column 9: found a text (VARCHAR(15)), expected the same as beside it, a number (INTEGER)

-- data source `wrong-result`
-- withdrawn: policy `p-wrong-result`: line 1, column 1: the result is a text (VARCHAR(12)), which column `c_bal` of type `INTEGER` can't show

-- data source `itself`
-- withdrawn: policy `p-itself`: the custom mask of column `c_phone` is the column itself; the mask `clear` shows it to those who meet a condition

-- data source `no-key`
-- withdrawn: policy `p-no-key`: a randomized response needs a key column, and the data source names none
