-- data source `no-such-column`
-- withdrawn: policy `named`: a row rule needs a column named `region`, and the data source has none

-- data source `no-such-tag`
-- withdrawn: policy `tagged`: a row rule needs a column tagged `geo.region`, and the data source has none

-- data source `not-comparable`
-- withdrawn: policy `named`: column `region` of type `DECIMAL(5,2)` can't be matched with what users have

-- data source `no-event-time`
-- withdrawn: policy `window`: a time window needs an event-time column, and the data source names none

-- data source `no-key`
-- withdrawn: policy `sample`: a sample needs a key column, and the data source names none

-- data source `key-without-stable-text`
-- withdrawn: policy `sample`: column `at` of type `TIMESTAMP` can't be the key of a sample

-- data source `inside-a-case`
-- withdrawn: policy `cases`: a row rule needs a column named `team`, and the data source has none
