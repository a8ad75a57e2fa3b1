"""Names of everyday things in English and simplified Chinese, to find what a clip-art file's name means. Tables without logic."""

from __future__ import annotations

_ANIMALS = """
cat 猫, kitten 小猫, dog 狗, puppy 小狗, beagle 比格犬, bulldog 斗牛犬, horse 马, pig 猪, cow 奶牛, bull 公牛, bison 野牛, sheep 绵羊,
goat 山羊, ram 公羊, ibex 野山羊, bear 熊, tiger 老虎, lion 狮子, elephant 大象, giraffe 长颈鹿, camel 骆驼, kangaroo 袋鼠,
antelope 羚羊, deer 鹿, fawn 小鹿, wolf 狼, fox 狐狸, rabbit 兔子, bunny 兔子, squirrel 松鼠, raccoon 浣熊, armadillo 犰狳, echidna 针鼹,
rhinoceros 犀牛, monkey 猴子, baboon 狒狒, beaver 海狸, cheetah 猎豹, chipmunk 花栗鼠, hamster 仓鼠, orangutan 猩猩, mouse 老鼠,
bat 蝙蝠, seal 海豹, whale 鲸鱼, bluewhale 蓝鲸, orca 虎鲸, dolphin 海豚, penguin 企鹅, duck 鸭子, goose 鹅, swan 天鹅, owl 猫头鹰,
eagle 老鹰, gull 海鸥, seagull 海鸥, crow 乌鸦, dove 鸽子, bird 小鸟, cormorant 鸬鹚, puffin 海鹦, hen 母鸡, chicken 鸡, rooster 公鸡,
turkey 火鸡, ostrich 鸵鸟, parrot 鹦鹉, flamingo 火烈鸟, fish 鱼, angelfish 神仙鱼, clown loach 三间鼠鱼, cichlid 慈鲷鱼, gourami 丝足鱼,
seahorse 海马, crawfish 小龙虾, turtle 乌龟, frog 青蛙, lizard 蜥蜴, snake 蛇, dinosaur 恐龙, dragon 龙, snail 蜗牛, spider 蜘蛛,
scorpion 蝎子, ant 蚂蚁, bee 蜜蜂, wasp 黄蜂, fly 苍蝇, mosquito 蚊子, butterfly 蝴蝶, dragonfly 蜻蜓, damselfly 豆娘, ladybug 瓢虫,
grasshopper 蚂蚱, mantis 螳螂, caterpillar 毛毛虫, mermaid 美人鱼, bug 虫子
"""
_FOOD = """
apple 苹果, apple core 苹果核, pear 梨, peach 桃子, plum 李子, cherry 樱桃, cherries 樱桃, grape 葡萄, grapes 葡萄, orange 橙子,
orange slice 橙子片, lemon 柠檬, lemon slice 柠檬片, lime 青柠, lime slice 青柠片, banana 香蕉, bananas 香蕉, pineapple 菠萝, melon 甜瓜,
watermelon 西瓜, strawberry 草莓, tomato 番茄, tomatoes 番茄, potato 土豆, pumpkin 南瓜, onion 洋葱, garlic 大蒜, radish 萝卜,
pepper 辣椒, cayenne pepper 辣椒, habanero pepper 灯笼椒, corn 玉米, corn cob 玉米, mushroom 蘑菇, toadstool 毒蘑菇, champignon 蘑菇,
bread 面包, croissant 牛角面包, pretzel 椒盐卷饼, sandwich 三明治, burger 汉堡, hamburger 汉堡, chicken burger 鸡肉汉堡, hot dog 热狗,
corn dog 玉米热狗, pizza 披萨, pizza slice 一块披萨, burrito 墨西哥卷饼, french fries 薯条, fries 薯条, potato chips 薯片,
onion rings 洋葱圈, lasagna 千层面, spaghetti 意大利面, pasta 意大利面, steak 牛排, bacon 培根, sausage 香肠, salami 萨拉米香肠,
egg 鸡蛋, fried egg 煎蛋, fried eggs 煎蛋, omelette 煎蛋卷, salad 沙拉, soup 汤, cheese 奶酪, butter 黄油, honey 蜂蜜, milk 牛奶,
milk carton 牛奶盒, juice box 果汁盒, juice glass 一杯果汁, lemonade 柠檬水, cocktail 鸡尾酒, beer 啤酒, wine 葡萄酒, wine glass 酒杯,
wine bottle 葡萄酒瓶, martini glass 马提尼酒杯, coffee 咖啡, cup of coffee 一杯咖啡, tea 茶, cup of tea 一杯茶, pop can 易拉罐,
soft drink 汽水, cake 蛋糕, birthday cake 生日蛋糕, pie 馅饼, cookie 饼干, muffin 玛芬蛋糕, pancake 煎饼, pancakes 煎饼, waffle 华夫饼,
flan 布丁, pudding 布丁, candy 糖果, lollipop 棒棒糖, ice cream 冰淇淋, ice cream cone 冰淇淋, ice cube 冰块, marshmallow 棉花糖,
fondue 奶酪火锅, glass of water 一杯水
"""
_PLANTS = """
tree 树, fall tree 秋天的树, palm tree 棕榈树, christmas tree 圣诞树, evergreen 常青树, olive tree 橄榄树, bamboo 竹子, cactus 仙人掌,
fern 蕨类植物, flower 花, flowers 花, bouquet 花束, bouquet of flowers 花束, flower pot 花盆, rose 玫瑰, tulip 郁金香, tulips 郁金香,
daisy 雏菊, daffodil 水仙花, sunflower 向日葵, magnolia 玉兰花, geranium 天竺葵, sakura 樱花, leaf 叶子, leaves 叶子, acorn 橡子,
shamrock 三叶草, reed 芦苇
"""
_PLACES = """
house 房子, houses 房子, castle 城堡, chalet 木屋, church 教堂, factory 工厂, school 学校, lighthouse 灯塔, eiffel tower 埃菲尔铁塔,
water tower 水塔, skyscraper 摩天大楼, skyscrapers 摩天大楼, farm 农场, igloo 冰屋, tent 帐篷, brick wall 砖墙, wall 墙, chair 椅子,
wooden chair 木椅, office chair 办公椅, table 桌子, wooden table 木桌, couch 沙发, television 电视机, tv 电视机, barrel 木桶,
wooden barrel 木桶, moon 月亮, full moon 满月, crescent moon 月牙, jupiter 木星, mars 火星, saturn 土星, venus 金星, globe 地球仪,
rainbow 彩虹, sun 太阳, snowman 雪人, sand castle 沙堡, stones 石头, rock 岩石
"""
_TRAFFIC = """
car 汽车, old car 老爷车, red car 红色汽车, sports car 跑车, race car 赛车, suv 越野车, truck 卡车, bus 公共汽车, ambulance 救护车,
fire engine 消防车, tractor 拖拉机, tram 电车, train 火车, motorcycle 摩托车, bicycle 自行车, airplane 飞机, plane 飞机,
space shuttle 航天飞机, rocket 火箭, boat 船, ship 轮船, sailboat 帆船, trawler 渔船, hot air balloon 热气球, anchor 锚, wagon 小拖车,
tank 坦克, suitcase 手提箱, sledge 雪橇, cement mixer 水泥搅拌机
"""
_TOOLS = """
hammer 锤子, axe 斧头, saw 锯子, chainsaw 电锯, drill 电钻, screwdriver 螺丝刀, wrench 扳手, shovel 铲子, rake 耙子, trowel 小铲子,
scissors 剪刀, anvil 铁砧, broom 扫帚, bucket 水桶, brush 刷子, paint brush 画笔, paint roller 油漆滚筒, vacuum cleaner 吸尘器,
iron 熨斗, ironing board 熨衣板, toothbrush 牙刷, key 钥匙, lock 锁, padlock 挂锁, magnet 磁铁, compass 指南针, binoculars 望远镜,
telescope 望远镜, magnifying glass 放大镜, thermometer 温度计, hourglass 沙漏, stopwatch 秒表, lamp 灯, desk lamp 台灯,
hurricane lamp 马灯, magic lamp 神灯, candle 蜡烛, light bulb 灯泡, lightbulb 灯泡, lighter 打火机, umbrella 雨伞, beach umbrella 遮阳伞,
ladder 梯子, cog 齿轮, gear 齿轮, screw 螺丝, bottle 瓶子, bottled drink 瓶装饮料, baby bottle 奶瓶, glass 玻璃杯, drinking glass 玻璃杯,
mug 马克杯, cup 杯子, teacup 茶杯, teapot 茶壶, plate 盘子, bowl 碗, frying pan 平底锅, pot 锅, coffee machine 咖啡机, blender 搅拌机,
meat grinder 绞肉机, sword 剑, longsword 长剑, katana 武士刀, bomb 炸弹, gun 枪, basket 篮子, box 盒子, cardboard box 纸箱,
open box 打开的盒子, paper bag 纸袋, bag 包, handbag 手提包, backpack 背包, scale 天平, microscope 显微镜, syringe 注射器,
stethoscope 听诊器, flask 烧瓶, test tube 试管, pacifier 奶嘴, sleeping bag 睡袋, scarecrow 稻草人, campfire 篝火, fire 火
"""
_OBJECTS = """
camera 照相机, digital camera 数码相机, video camera 摄像机, camcorder 摄像机, cassette 磁带, audio cassette 磁带, video cassette 录像带,
cd 光盘, compact disc 光盘, satellite dish 卫星天线, antenna 天线, robot 机器人, computer 电脑, laptop 笔记本电脑, keyboard 键盘,
computer keyboard 键盘, monitor 显示器, printer 打印机, joystick 操纵杆, hard disk 硬盘, usb memory stick U盘, boombox 收音机,
headphones 耳机, cell phone 手机, handphone 手机, calculator 计算器, cash register 收银机, envelope 信封, mailbox 邮箱,
postage stamp 邮票, pencil 铅笔, pen 钢笔, ballpoint pen 圆珠笔, crayon 蜡笔, eraser 橡皮, paperclip 回形针, stapler 订书机,
thumbtack 图钉, palette 调色板, book 书, books 书, old book 旧书, open book 打开的书, stack of books 一摞书, newspaper 报纸, scroll 卷轴,
feather 羽毛, picture frame 相框, megaphone 扩音器, folder 文件夹, wastebasket 废纸篓, wool 毛线, globe 地球仪, ball 球,
beach ball 沙滩球, beachball 沙滩球, soccer ball 足球, football 足球, baseball 棒球, baseball bat 棒球棒, baseball glove 棒球手套,
volleyball 排球, bowling ball 保龄球, 8 ball 台球, tennis racket 网球拍, table tennis 乒乓球拍,
badminton racket 羽毛球拍, cricket bat 板球棒, dartboard 飞镖靶,
surfboard 冲浪板, scuba tank 氧气瓶, boomerang 回旋镖, football helmet 橄榄球头盔, balloon 气球, balloons 气球, gift 礼物, dice 骰子,
chess 国际象棋, teddy bear 泰迪熊, teddybear 泰迪熊, rubber duck 橡皮鸭, rubber ducks 橡皮鸭, rubik 魔方, paper plane 纸飞机, heart 爱心,
guitar 吉他, electric guitar 电吉他, bass guitar 贝斯, violin 小提琴, cello 大提琴, harp 竖琴, piano 钢琴, drum 鼓, drums 架子鼓,
trumpet 小号, trombone 长号, saxophone 萨克斯, flute 长笛, oboe 双簧管, french horn 圆号, xylophone 木琴, maracas 沙锤,
microphone 麦克风, record 唱片, vinyl disc 唱片, hat 帽子, winter hat 冬帽, shirt 衬衫, t-shirt T恤, dress 连衣裙, shorts 短裤, tie 领带,
mitten 连指手套, gloves 手套, boot 靴子, hiking boot 登山靴, shoe 鞋, tennis shoe 运动鞋, tennis shoes 运动鞋, ice skate 冰鞋,
sunglasses 太阳镜, turban 头巾, crown 皇冠, earring 耳环, socks 袜子, princess 公主, baby 婴儿, skull 骷髅头, angel 天使, eye 眼睛,
fireworks 烟花, bell 铃铛, jingle bells 铃铛, ticket 票
"""
THINGS: dict[str, str] = {
    " ".join(words): chinese
    for table in (_ANIMALS, _FOOD, _PLANTS, _PLACES, _TRAFFIC, _TOOLS, _OBJECTS)
    for *words, chinese in (pair.split() for pair in table.replace("\n", " ").split(",") if pair.split())
}
"""English name to Chinese name."""

_OTHER = """
abeille bee, acquila eagle, aquila eagle, antilope antelope, canguro kangaroo, cavalletta grasshopper, grass hopper=grasshopper,
cavallo horse, cigni swan, cigno swan, coccinella ladybug, coccinelle ladybug, coccinellona ladybug, coniglio rabbit, dino dinosaur,
dinosauri dinosaur, dinosauro dinosaur, elefante01 elephant, elefante02 elephant, elefante elephant, elefantone elephant,
farfalla butterfly, farfalle butterfly, flamand flamingo, formichina ant, formicona ant, gabbiano seagull, gallo rooster, gattina cat,
gatto cat, gufo owl, leone lion, libellula dragonfly, libellule dragonfly, lindworm snake, lucertola lizard, lucertolona lizard,
lucertolone lizard, lumaca snail, mante mantis, mantide mantis, moschito mosquito, zanzara mosquito, orso bear, ours bear, pecora sheep,
pecorella sheep, pescetto fish, pinguino penguin, pinguino1 penguin, pinguino2 penguin, pinguino3 penguin, pinguino4 penguin,
pollo chicken, ragnetto spider, ragno spider, ramarro lizard, rana frog, rana01 frog, rana02 frog, rana03 frog, stambecco ibex,
struzzo ostrich, tacchino turkey, tigre tiger, tigre01 tiger, tigre02 tiger, tigre03 tiger, tigre04 tiger, tigre05 tiger, tigri tiger,
topo mouse, toro bull, uccello bird, vacca cow, mucca cow, papera duck, anatra duck, cammello camel, colombo dove, colombo2 dove,
ape bee, aglio garlic, pera pear, pesca peach, prugna plum, prune plum, pasteque watermelon, pomodori tomatoes, ravanello radish,
zucca pumpkin, pannocchia corn cob, peperoncino pepper, paprika pepper, torta cake, gateau cake, gauffre waffle, glace ice cream,
gelato ice cream, cone1 ice cream cone, cone2 ice cream cone, cone3 ice cream cone, cone4 ice cream cone, cone ice cream cone,
cornetto croissant, biberon baby bottle, tazza cup of coffee, teiera teapot, kubek mug, cuppa cup of tea, coffe cup of coffee,
pudim pudding, icecube ice cube, galette pie, burrito burrito, albero tree, arbre tree, olivier olive tree, palmtree palm tree,
fiore flower, fiori flowers, mazzo bouquet, cacuts cactus, foglie leaves, rosa1 rose, rosa2 rose, sun flower=sunflower, flower1 flower,
flower2 flower, funnyflower flower, casa house, abitazione house, home house, pinkhome house, pinkhome2 house, pinkhome3 house,
teau castle, fattoria farm, grattacieli skyscrapers, sedia chair, poltrona office chair, tavolo table, tenda tent, bicicletta bicycle,
vtt bicycle, bike bicycle, trattore tractor, tramway tram, ambulans ambulance, ambulanza ambulance, autos car, redcar red car,
sportcar sports car, hummer suv, blazer suv, shelby sports car, dodge car, skoda car, bmw car, toyota suv, chevrolet car,
formula race car, aircraft airplane, aircraft1 airplane, pallone hot air balloon, aerestatico hot air balloon, lorry truck,
betoniera cement mixer, motosega chainsaw, utensile saw, sega saw, chiave wrench, bussola compass, binocolo binoculars, calamita magnet,
ferro iron, lampada lamp, candela candle, cronometro stopwatch, clessidra hourglass, secchio bucket, ruota gear, engrenagem gear,
lucchetto padlock, magnificator magnifying glass, magnifing magnifying glass, lente magnifying glass, leafrake rake,
roundpointshovel shovel, viti screw, cesto basket, scatolone cardboard box, paperbag1 paper bag, borsetta handbag, borsa handbag,
zaino backpack, siringa syringe, microscopio microscope, stetoscopio stethoscope, provetta test tube, mondo globe, ciuccio pacifier,
spaventapasseri scarecrow, griglia campfire, fuoco campfire, baloon1 balloon, baloon2 balloon, palloncini balloons, gift01 gift,
gift02 gift, gift03 gift, gift04 gift, gift05 gift, pacco gift, stappler stapler, pinzatrice stapler, calcolatrice calculator,
cestino wastebasket, lana wool, lettera envelope, tavolozza palette, cinepresa video camera, telecamera video camera,
televisore television, stampante printer, macchina fotografica=camera, macchina caffe=coffee machine, fatherchristmas santa claus,
couronne crown, pattino ice skate, camicia shirt, vestito dress, calzettoni socks, guitar guitar, harp1 harp, harp2 harp, harp3 harp,
africandrum drum, africandrum1 drum, duck1 rubber duck, duck2 rubber duck, tpt trumpet, principessa princess, bottiglia wine bottle,
lattine pop can, scodella bowl, asse ironing board, sacco sleeping bag, scala ladder
"""
ALIASES: dict[str, str] = {}
"""Other spellings and foreign words in file names, to the English name."""
for _pair in _OTHER.replace("\n", " ").split(","):
    _left, _equals, _right = _pair.strip().partition("=")
    _word, _, _name = _pair.strip().partition(" ")
    ALIASES[_left if _equals else _word] = _right if _equals else _name
THINGS["santa claus"] = "圣诞老人"
