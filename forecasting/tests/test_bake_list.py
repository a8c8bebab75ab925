"""The bake list: how much of each product, on the screen, as a sheet, over the API; and for whom."""

import datetime as dt
from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl import load_workbook

from accounts.models import Organisation
from forecasting.bake import Terms, bake_list, enough, in_batches, save_terms
from forecasting.models import BakeTerms, ItemForecast
from forecasting.tests.bakery import promise_items
from items.models import ItemDay, Product, ProductDay, ProductGroup
from items.sources import item_source
from tests.reading import content, reader, rows
from tests.world import World

PAGE = "/admin/forecasting/modelversion/bake/"
BREAD = [4.0, 6, 9, 10, 12, 14, 18, 21, 24]
BUN = [0.0, 0, 1, 1, 1, 2, 3, 3, 4]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("level", "units"), [(10, 4), (50, 9), (55, 9.5), (70, 12), (85, 16), ("97.5", 24), (99, 24), (1, 4)]
)
def test_between_two_levels_that_are_told_it_is_a_straight_line(level, units):
    assert enough(BREAD, Decimal(level)) == pytest.approx(units)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("units", "batch", "baked"), [(9.2, 1, 10), (9.0, 1, 9), (13, 6, 18), (12.0004, 6, 12), (0, 6, 0), (0.7, "0.5", 1)]
)
def test_what_is_baked_is_whole_batches(units, batch, baked):
    assert in_batches(units, Decimal(batch)) == Decimal(baked)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("lost", "waste", "level"), [(70, 30, 70), (50, 50, 50), (99, 1, "97.5"), (1, 99, 10), (2, 1, "66.7")]
)
def test_the_level_is_the_cost_of_a_lost_sale_over_both_costs(lost, waste, level):
    terms = Terms.__new__(Terms)
    terms.default, terms.own = BakeTerms(lost_sale=Decimal(lost), waste=Decimal(waste)), {}
    assert terms.level(None) == Decimal(level)


@pytest.fixture
def products(world: World) -> tuple[Product, Product]:
    bread, bun = (
        Product.objects.create(organisation=world.organisation, code=code, name=name)
        for code, name in (("=B-1", "Bread"), ("B-2", "Bun"))
    )
    for department in (world.cafe, world.bakery):
        promise_items(department, world.today, {bread: (9.5, BREAD), bun: (0.8, BUN)}, agreed=("1000.00", "1040.00"))
    source = item_source(world.organisation, "items").connection
    common = {"organisation": world.organisation, "department": world.cafe, "connection": source, "lines": 1}
    for date, quantity in ((world.today - dt.timedelta(days=6), 7), (world.today - dt.timedelta(days=1), 8)):
        ItemDay.objects.create(date=date, quantity=quantity, updated_at=world.issue.made_at, **common)
        ProductDay.objects.create(date=date, product=bread, quantity=quantity, **common)
    return bread, bun


def baked(world: World, **asked) -> dict[str, Decimal]:
    found = bake_list(world.cafe, world.today + dt.timedelta(days=1), **asked)
    assert found is not None
    return {line.product.name: line.bake for line in found.lines}


@pytest.mark.integration
@pytest.mark.django_db
class TestList:
    def test_the_chains_terms_a_products_own_and_a_level_that_is_asked_for(self, world: World, products):
        bread, bun = products
        assert baked(world) == {"Bread": 12, "Bun": 1}
        own = [
            BakeTerms(organisation=world.organisation, product=None, lost_sale=50, waste=50, batch=1),
            BakeTerms(organisation=world.organisation, product=bread, lost_sale=90, waste=10, batch=6),
        ]
        save_terms(world.organisation, own, [])
        assert baked(world) == {"Bread": 18, "Bun": 1}
        assert baked(world, level=Decimal(80)) == {"Bread": 18, "Bun": 2}
        save_terms(world.organisation, [], [bread])
        assert baked(world) == {"Bread": 9, "Bun": 1}
        other = Organisation.objects.get(name="Other Chain")
        assert Terms(other).of(bun.pk).lost_sale == 70

    def test_it_is_beside_last_week_and_what_is_unknown_is_not_zero(self, world: World, products):
        found = bake_list(world.cafe, world.today + dt.timedelta(days=1))
        assert [line.last_week for line in found.lines] == [7, 0]
        assert [line.sold for line in found.lines] == [None, None]
        assert [line.last_week for line in bake_list(world.bakery, found.date).lines] == [None, None]

    def test_of_a_past_day_it_is_what_was_promised_that_morning(self, world: World, products):
        bread, _bun = products
        yesterday = world.today - dt.timedelta(days=1)
        promise_items(world.cafe, yesterday, {bread: (5.0, [5.0] * 9)})
        found = bake_list(world.cafe, yesterday)
        assert [(line.expected, line.sold) for line in found.lines] == [(5, 8)]
        assert [line.expected for line in bake_list(world.cafe, world.today).lines] == [Decimal("9.5"), Decimal("0.8")]

    def test_services_and_what_is_off_the_menu_are_not_baked(self, world: World, products):
        bread, bun = products
        Product.objects.filter(pk=bread.pk).update(type="SERVICE")
        assert list(baked(world)) == ["Bun"]
        Product.objects.filter(pk=bun.pk).update(is_active=False)
        assert baked(world) == {}

    def test_beyond_two_weeks_there_is_none(self, world: World, products):
        assert bake_list(world.cafe, world.today + dt.timedelta(days=13)) is not None
        assert bake_list(world.cafe, world.today + dt.timedelta(days=14)) is None
        assert bake_list(world.bar, world.today) is None

    def test_more_than_the_tolerance_is_no_agreement(self, world: World, products):
        assert bake_list(world.cafe, world.today).agreement.holds
        ItemForecast.objects.all().delete()
        promise_items(world.cafe, world.today, {}, agreed=("1000.00", "940.00"))
        agreement = bake_list(world.cafe, world.today).agreement
        assert (agreement.holds, agreement.difference) == (False, Decimal("-0.06"))


@pytest.mark.integration
@pytest.mark.django_db
class TestPage:
    def test_it_opens_on_tomorrow_of_the_first_own_branch(self, world: World, products):
        page = reader(world, "staff").get(PAGE)
        text = content(page)
        assert f'value="{world.today + dt.timedelta(days=1):%d.%m.%Y}"' in page.content.decode()
        assert rows(page, 'id="bake"') == ["Bread =B-1 12 9.5 4 – 18 7", "Bun B-2 1 0.8 0 – 3 0"]
        assert "Together 13 10.3" in text and "A lost sale costs 70 % of the price" in text
        assert "come to 1 040 KZT at their prices; the forecast of the branch leaves 1 000 for them (+4.0 %)" in text
        assert "within the 5 %" in text and "Nothing of it is measured yet" in text

    def test_a_level_is_asked_for_and_one_that_nobody_can_tell_is_refused(self, world: World, products):
        client = reader(world, "staff")
        assert rows(client.get(PAGE, {"level": "95"}), 'id="bake"')[0].startswith("Bread =B-1 21 ")
        assert "less than or equal to 97" in content(client.get(PAGE, {"level": "99"}))

    def test_a_group_is_chosen_where_there_are_groups(self, world: World, products):
        client = reader(world, "staff")
        assert "All groups" not in content(client.get(PAGE))
        source = item_source(world.organisation, "items").connection
        group = ProductGroup.objects.create(organisation=world.organisation, connection=source, name="Loaves")
        Product.objects.filter(pk=products[0].pk).update(group=group)
        page = client.get(PAGE, {"group": str(group.pk)})
        assert "All groups Loaves" in content(page)
        assert [row.split()[0] for row in rows(page, 'id="bake"')] == ["Bread"]
        assert f"group={group.pk}" in page.content.decode().split("xlsx/?")[1].split('"')[0]

    def test_another_persons_branch_is_no_choice(self, world: World, products):
        text = content(reader(world, "staff").get(PAGE, {"department": str(world.bakery.pk)}))
        assert "Select a valid choice" in text and "Bread" not in text

    def test_without_items_it_says_so(self, world: World):
        assert "There is no forecast by product" in content(reader(world, "staff").get(PAGE))

    def test_the_sheet_has_the_same_list_and_no_formula(self, world: World, products):
        client = reader(world, "staff")
        answer = client.get(f"{PAGE}xlsx/", {"date": str(world.today + dt.timedelta(days=1))})
        sheet = load_workbook(BytesIO(b"".join(answer.streaming_content))).active
        lines = list(sheet.iter_rows())
        assert [cell.value for cell in lines[1]] == ["=B-1", "Bread", 9.5, 12, 4, 18, 70, 7]
        assert lines[1][0].data_type == "s"
        assert client.get(f"{PAGE}xlsx/", {"department": str(world.bakery.pk)}).status_code == 404

    def test_terms_are_stored_by_who_may_and_an_empty_line_goes_by_the_chains(self, world: World, products):
        bread, bun = products
        client = reader(world, "administrator")
        posted = {"lost_sale-": "60", "waste-": "40", "batch-": "1"}
        posted |= {f"lost_sale-{bread.pk}": "80,5", f"waste-{bread.pk}": "19.5", f"batch-{bread.pk}": "6"}
        posted |= {f"{name}-{bun.pk}": "" for name in ("lost_sale", "waste", "batch")}
        assert client.post(f"{PAGE}terms/", posted).status_code == 302
        assert baked(world) == {"Bread": 18, "Bun": 1}
        assert BakeTerms.objects.count() == 2
        posted |= {f"batch-{bread.pk}": "0", f"waste-{bun.pk}": "5"}
        refused = client.post(f"{PAGE}terms/", posted)
        assert refused.status_code == 400 and BakeTerms.objects.get(product=bread).batch == 6
        assert refused.content.decode().count("sf-field-error") == 2
        assert reader(world, "manager").post(f"{PAGE}terms/", posted).status_code == 403


@pytest.mark.integration
@pytest.mark.django_db
class TestApi:
    def address(self, world: World, department) -> str:
        return f"/api/forecast/items/{world.today + dt.timedelta(days=1)}/{department.pk}"

    def test_a_program_reads_the_list(self, world: World, products):
        answer = world.api().get(self.address(world, world.cafe)).json()
        assert answer["cutoff"] == str(world.today - dt.timedelta(days=1))
        assert answer["items"][0] == {
            "product_id": str(products[0].pk), "code": "=B-1", "name": "Bread", "expected": 9.5, "bake": 12,
            "lower_80": 4, "upper_80": 18, "service_level": 70, "batch": 1, "same_weekday_last_week": 7, "sold": None,
        }  # fmt: skip
        assert answer["agreement"] == {
            "wanted": 1000, "found": 1040, "difference_percentage": 4, "tolerance_percentage": 5, "holds": True
        }  # fmt: skip
        more = world.api().get(self.address(world, world.cafe), {"service_level": "90"}).json()
        assert more["items"][0]["bake"] == 18

    def test_what_does_not_exist_for_somebody_is_404(self, world: World, products):
        staff = world.client("staff")
        assert staff.get(self.address(world, world.cafe)).status_code == 200
        assert staff.get(self.address(world, world.bakery)).status_code == 404
        answer = world.api().get(self.address(world, world.bar))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "no_forecast")
        assert world.api().get(self.address(world, world.cafe), {"service_level": "99"}).status_code == 400
