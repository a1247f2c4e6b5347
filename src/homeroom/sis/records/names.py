"""Words for invented people and schools, from many languages. Every combination is made up."""

GIVEN = (
    "Ada Amara Aïcha Ananya Anders Ángel Anh Aoife Asha Astrid Ayşe Béla Benedetta Bilal Björk Bronwyn Camila Chidi Chiara "
    "Cian Dagny Daniela Darius Dmitri Efua Eilidh Elif Emeka Emre Esther Fatima Félix Freya Gael Giulia Goran Grace Hana "
    "Haruto Hussein Ida Ifeoma Imani Inés Iva Jakub Jamal Jiho Joaquín Juana Kai Kamala Kareem Katarzyna Keoni Kofi Lakshmi "
    "Leila Léa Liam Linh Lucía Luka Łukasz Mahmoud Maja Malia Marisol Mateo Mei Miguel Mina Mikołaj Nadia Naoki Nia Niamh "
    "Noa Noor Nuria Ólafur Olena Oluwaseun Omar Oskar Paloma Pavel Priya Quang Rafael Rania Ravi Renée Rosa Ruta Saanvi "
    "Salma Samir Sana Saoirse Sasha Seán Sergei Sofía Sora Søren Tadeo Tala Tamar Thandiwe Théo Tomás Uma Valentina Viktor "
    "Wanjiru Wei Xiomara Yael Yara Yusuf Zainab Žofie Zoë Zuri 小明 美咲 ゆうと 지우 मीरा सारा أحمد ليلى Олена Давид Ελένη"
).split()
FAMILY = (
    "Abara Achebe Adeyemi Aguilar Ahmadi Álvarez Andersson Banerjee Bauer Begum Bianchi Björnsdóttir Bouchard Brennan "
    "Castillo Cho Chukwu Costa Cruz Dang D'Angelo De\u00a0Vries Dubois Eriksen Espinoza Farah Ferrari Fischer Flores Fofanah "
    "Gonçalves Greene Gutiérrez Hakimi Halvorsen Hassan Hernández Hoang Horváth Ito Ivanova Jansen Jensen Jiménez Kaplan Kaur "
    "Kelly Khalil Kim Kowalska Kowalski Kurt Larsen Lê Lindqvist Lopez MacLeod Mahlangu Marković Mbeki McCarthy Méndez Mensah "
    "Moreau Mori Mwangi Nakamura Ndlovu Nguyễn Nikolaidis Novák Nowak Núñez Okafor Olsen Ortega Osei O'Brien Özdemir "
    "Papadopoulou Park Patel Pérez Petrov Popescu Quispe Ramírez Rao Reyes Rossi Roux Ruiz Sato Schmidt Şahin Silva Singh "
    "Sokolov Suárez Svensson Tanaka Taylor Thapa Tran Trujillo Ueda Van\u00a0Dijk Vargas Vega Walsh Wang Wójcik Yamamoto Yilmaz "
    "Youssef Zhang Zhou Zieliński 王 佐藤 김 शर्मा حداد Шевченко"
).split(" ")
SCHOOLS = (
    "Lincoln Riverside Oakwood Maple\u00a0Grove Cedar\u00a0Hill Franklin Harriet\u00a0Tubman Sunnyvale Roosevelt Northgate "
    "Lakeview Willow\u00a0Creek Jefferson Meadowbrook Pine\u00a0Street Washington Eastfield Stonebridge Heritage Fairview"
).split(" ")
SUBJECTS = (
    ("Mathematics", "02"),
    ("English", "01"),
    ("Science", "03"),
    ("History", "04"),
    ("Art", "05"),
    ("Spanish", "06"),
    ("Music", "05"),
    ("Physical Education", "08"),
)
