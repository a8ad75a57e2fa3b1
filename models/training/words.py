"""What the training captions mean in other words, in English and Chinese: tables without logic.

A caption is what a data set calls its picture. Every alternative is true of all pictures with that caption.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Captions that one everyday word covers.

    Attributes:
        members: The captions.
        english: Ways to say it.
        chinese: The same in simplified Chinese.
    """

    members: tuple[str, ...]
    english: tuple[str, ...]
    chinese: tuple[str, ...]


def _group(members: str, english: str, chinese: str) -> Group:
    return Group(*(tuple(part.strip() for part in text.split(",")) for text in (members, english, chinese)))


SYNONYMS = (
    _group(
        "the sea",
        "the ocean, sea, ocean, sea water, a beach and the sea, waves, a beach, the coast, water, a seascape, a sea view",
        "大海, 海, 海洋, 海水, 海边, 海滩, 海浪, 海岸, 海景",
    ),
    _group(
        "a forest",
        "trees, woods, green trees in a forest, forest, the woods, a wood, tall trees, plants and trees, woodland, a jungle",
        "森林, 树林, 树木, 林子, 一片森林, 绿色的树, 丛林",
    ),
    _group(
        "mountains",
        "a mountain, rocky mountains, hills, mountain, mountain peaks, a mountain landscape, a peak, a mountain range, cliffs, a valley",
        "山, 山脉, 高山, 群山, 山峰, 大山, 山谷",
    ),
    _group(
        "a glacier",
        "ice, snow, snow and ice, an icy mountain, glacier, a snowy mountain, a snowy landscape, an iceberg, winter landscape, ice field",
        "冰川, 冰, 雪, 冰雪, 雪山, 雪景, 冰山",
    ),
    _group(
        "a street",
        "a road, a city street, a street with houses, street, road, a street in a town, an alley, a street scene, a town",
        "街道, 马路, 道路, 路, 街, 城市街道, 小巷",
    ),
    _group(
        "buildings in a city",
        "buildings, a building, houses, architecture, a house, a tower, a skyscraper, city, city buildings, building, town houses",
        "建筑, 楼房, 房子, 城市建筑, 大楼, 房屋, 高楼, 城市里的建筑",
    ),
    _group(
        "a cat",
        "cat, a kitten, kitten, a kitty, a cat with fur, a pet cat, a cute cat, the cat, a cat looking at the camera",
        "猫, 一只猫, 小猫, 猫咪, 小猫咪, 一只可爱的猫, 一只小猫",
    ),
    _group(
        "a dog",
        "dog, a puppy, puppy, a hound, a doggy, a pet dog, a cute dog, the dog, a dog looking at the camera",
        "狗, 一只狗, 小狗, 狗狗, 一条狗, 一只可爱的狗, 一只小狗",
    ),
    _group("a dress", "dress, a frock, a gown, a woman's dress", "连衣裙, 裙子, 一条连衣裙"),
    _group("a hat", "hat, a cap, cap, headwear", "帽子, 一顶帽子"),
    _group("a jacket", "jacket, a coat, coat, outerwear, outdoor jacket", "夹克, 外套, 上衣, 一件外套, 大衣"),
    _group(
        "a long-sleeved shirt",
        "a long sleeve shirt, long-sleeved shirt, a sweater, a pullover, a jumper, a shirt",
        "长袖衫, 毛衣, 上衣, 长袖上衣, 一件毛衣",
    ),
    _group("a shirt", "shirt, a blouse, a button-down shirt, a dress shirt", "衬衫, 衬衣, 一件衬衫"),
    _group("a skirt", "skirt, a woman's skirt", "半身裙, 短裙, 裙子"),
    _group("a t-shirt", "t-shirt, a tee, tee shirt, a tshirt, a shirt, a short-sleeved shirt", "T恤, T恤衫, 短袖, 一件T恤, 短袖衫"),
    _group("shoes", "a shoe, shoe, sneakers, footwear, boots, a pair of shoes", "鞋, 鞋子, 一双鞋, 运动鞋"),
    _group("shorts", "short pants, a pair of shorts, short trousers", "短裤, 一条短裤"),
    _group("trousers", "pants, jeans, a pair of trousers, a pair of pants, long pants", "裤子, 长裤, 牛仔裤, 一条裤子"),
)

GENERAL = (
    _group(
        "golden delicious apple, granny smith apple, pink lady apple, red delicious apple, royal gala apple",
        "an apple, apple, apples, fresh apples",
        "苹果, 一个苹果, 新鲜的苹果",
    ),
    _group("anjou pear, conference pear, kaiser pear", "a pear, pear, pears", "梨, 梨子, 一个梨"),
    _group("cantaloupe melon, galia melon, honeydew melon", "a melon, melon, melons", "甜瓜, 瓜, 蜜瓜, 哈密瓜"),
    _group("watermelon", "a watermelon, a melon", "西瓜, 一个西瓜"),
    _group(
        "green bell pepper, orange bell pepper, red bell pepper, yellow bell pepper", "a pepper, bell pepper, peppers", "甜椒, 彩椒, 辣椒"
    ),
    _group("beef tomato, regular tomato, vine tomato", "a tomato, tomato, tomatoes", "番茄, 西红柿"),
    _group("floury potato, solid potato", "a potato, potato, potatoes", "土豆, 马铃薯"),
    _group("sweet potato", "a sweet potato, potato", "红薯, 地瓜"),
    _group("satsumas", "satsuma, mandarins, a mandarin, tangerines, oranges", "蜜橘, 橘子, 柑橘"),
    _group("red grapefruit", "a grapefruit, grapefruit", "葡萄柚, 西柚, 柚子"),
    _group("yellow onion", "an onion, onion, onions", "洋葱, 一个洋葱"),
    _group("brown cap mushroom", "a mushroom, mushroom, mushrooms", "蘑菇"),
    _group("red beet", "a beet, beetroot, beets", "甜菜, 甜菜根"),
    _group(
        "bravo apple juice, bravo orange juice, god morgon apple juice, god morgon orange juice, god morgon orange red grapefruit juice, "
        "god morgon red grapefruit juice, tropicana apple juice, tropicana golden grapefruit juice, tropicana juice smooth, "
        "tropicana mandarin morning juice",
        "juice, a juice carton, a carton of juice, fruit juice, a carton",
        "果汁, 一盒果汁, 果汁盒, 盒装果汁",
    ),
    _group(
        "arla ecological medium fat milk, arla lactose medium fat milk, arla medium fat milk, arla standard milk, arla sour milk, "
        "garant ecological medium fat milk, garant ecological standard milk, oatly oat milk, alpro fresh soy milk, alpro shelf soy milk",
        "milk, a milk carton, a carton of milk, a carton",
        "牛奶, 一盒牛奶, 牛奶盒, 盒装牛奶",
    ),
    _group(
        "alpro blueberry soyghurt, alpro vanilla soyghurt, arla mild vanilla yoghurt, arla natural mild low fat yoghurt, "
        "arla natural yoghurt, oatly natural oatghurt, valio vanilla yoghurt, yoggi strawberry yoghurt, yoggi vanilla yoghurt",
        "yoghurt, yogurt, a carton of yoghurt, a yogurt carton",
        "酸奶, 一盒酸奶, 盒装酸奶",
    ),
    _group("arla ecological sour cream, arla sour cream", "sour cream, cream, a tub of cream", "酸奶油, 奶油"),
    _group("asparagus", "green asparagus, asparagus spears", "芦笋"),
    _group("aubergine", "an eggplant, eggplant, an aubergine", "茄子"),
    _group("avocado", "an avocado, avocados", "牛油果, 鳄梨"),
    _group("banana", "a banana, bananas", "香蕉, 一根香蕉"),
    _group("cabbage", "a cabbage, green cabbage", "卷心菜, 包菜"),
    _group("carrots", "a carrot, carrot", "胡萝卜"),
    _group("cucumber", "a cucumber, cucumbers", "黄瓜"),
    _group("garlic", "garlic bulbs, a garlic", "大蒜, 蒜头"),
    _group("ginger", "ginger root, a piece of ginger", "生姜, 姜"),
    _group("kiwi", "a kiwi, kiwi fruit, kiwis", "猕猴桃, 奇异果"),
    _group("leek", "a leek, leeks", "韭葱, 大葱"),
    _group("lemon", "a lemon, lemons", "柠檬, 一个柠檬"),
    _group("lime", "a lime, limes", "青柠, 青柠檬"),
    _group("mango", "a mango, mangos", "芒果"),
    _group("nectarine", "a nectarine, nectarines, a peach", "油桃"),
    _group("orange", "an orange, oranges", "橙子, 一个橙子"),
    _group("papaya", "a papaya, papayas", "木瓜"),
    _group("passion fruit", "a passion fruit, passion fruits", "百香果"),
    _group("peach", "a peach, peaches", "桃子, 桃, 一个桃子"),
    _group("pineapple", "a pineapple, pineapples", "菠萝, 凤梨"),
    _group("plum", "a plum, plums", "李子"),
    _group("pomegranate", "a pomegranate, pomegranates", "石榴"),
    _group("zucchini", "a zucchini, courgette, zucchinis", "西葫芦"),
)

CHINESE = {
    "golden delicious apple": "金冠苹果",
    "granny smith apple": "青苹果",
    "pink lady apple": "粉红佳人苹果",
    "red delicious apple": "蛇果",
    "royal gala apple": "嘎啦苹果",
    "anjou pear": "安茹梨",
    "conference pear": "啤梨",
    "cantaloupe melon": "网纹瓜",
    "honeydew melon": "蜜瓜",
    "green bell pepper": "青椒",
    "orange bell pepper": "橙色甜椒",
    "red bell pepper": "红甜椒",
    "yellow bell pepper": "黄甜椒",
    "beef tomato": "牛番茄",
    "vine tomato": "串番茄",
    "brown cap mushroom": "褐色蘑菇",
    "yellow onion": "黄洋葱",
    "red beet": "红甜菜",
    "red grapefruit": "红葡萄柚",
    "bravo apple juice": "苹果汁",
    "god morgon apple juice": "苹果汁",
    "tropicana apple juice": "苹果汁",
    "bravo orange juice": "橙汁",
    "god morgon orange juice": "橙汁",
    "god morgon orange red grapefruit juice": "橙子葡萄柚汁",
    "god morgon red grapefruit juice": "葡萄柚汁",
    "tropicana golden grapefruit juice": "葡萄柚汁",
    "tropicana mandarin morning juice": "橘子汁",
    "oatly oat milk": "燕麦奶",
    "alpro fresh soy milk": "豆奶",
    "alpro shelf soy milk": "豆奶",
    "arla sour milk": "酸牛奶",
    "alpro blueberry soyghurt": "蓝莓豆乳酸奶",
    "alpro vanilla soyghurt": "香草豆乳酸奶",
    "arla mild vanilla yoghurt": "香草酸奶",
    "valio vanilla yoghurt": "香草酸奶",
    "yoggi vanilla yoghurt": "香草酸奶",
    "yoggi strawberry yoghurt": "草莓酸奶",
    "arla natural yoghurt": "原味酸奶",
    "oatly natural oatghurt": "燕麦酸奶",
}
"""What a caption itself is in Chinese, where `GENERAL` only has a wider word."""

COARSE = {
    "shirt": ("a shirt", "a long-sleeved shirt"),
    "citrus fruit": ("satsumas", "red grapefruit", "orange"),
    "lemon": ("lemon", "lime"),
    "melon": ("cantaloupe melon", "galia melon", "honeydew melon", "watermelon"),
    "peach": ("peach", "nectarine", "plum"),
    "tropical fruit": ("kiwi", "mango", "papaya", "passion fruit", "pomegranate", "avocado", "pineapple"),
    "potato": ("floury potato", "solid potato", "sweet potato"),
    "onion": ("yellow onion", "garlic", "ginger"),
    "root vegetable": ("carrots", "red beet"),
    "green vegetable": ("asparagus", "cabbage", "leek", "cucumber", "zucchini", "aubergine"),
    "yoghurt": ("arla ecological sour cream", "arla sour cream"),
}
"""Classes of the measuring scripts that are wider than one group; `captions.coarse_class` reads it."""

COLOURS = {
    "red": "红色",
    "orange": "橙色",
    "yellow": "黄色",
    "green": "绿色",
    "turquoise": "青色",
    "blue": "蓝色",
    "purple": "紫色",
    "pink": "粉色",
    "brown": "棕色",
    "black": "黑色",
    "white": "白色",
    "grey": "灰色",
}
SHADES = {"light": "浅", "dark": "深"}
