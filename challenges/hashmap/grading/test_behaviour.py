from random import Random
import large, objects

def test_bounded_churn(submission, fresh_seed):
    rng = Random(fresh_seed)
    for o in (True, False): large.demand_bounded_churn(submission, rng, o)
def test_growth_and_shrink(submission, fresh_seed):
    large.demand_growth_and_shrink(submission, Random(fresh_seed))
def test_million_entries(submission, fresh_seed):
    large.demand_million(submission, Random(fresh_seed))
def test_releases_objects(submission): objects.demand_released(submission)
def test_no_native_mapping_census(submission): objects.demand_no_native_growth(submission)
