"""The papers that wsgeo implements, by key; docstrings and ``wsgeo cite`` use these keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Reference:
    """One publication.

    Parameters
    ----------
    key : str
        Citation key, such as ``juneja2022``.
    kind : str
        BibTeX entry type.
    fields : tuple of (str, str)
        BibTeX fields in order.
    """

    key: str
    kind: str
    fields: tuple[tuple[str, str], ...]

    def bibtex(self) -> str:
        """Return the BibTeX entry.

        Returns
        -------
        str
            The entry, ending in a line break.

        Examples
        --------
        >>> print(REFERENCES["juneja2022"].bibtex().splitlines()[0])
        @inproceedings{juneja2022,
        """
        body = "".join(f"  {name} = {{{value}}},\n" for name, value in self.fields)
        return f"@{self.kind}{{{self.key},\n{body}}}\n"


def _paper(key: str, kind: str, **fields: str) -> Reference:
    return Reference(key, kind, tuple(fields.items()))


_ALL = (
    _paper(
        "juneja2022",
        "inproceedings",
        title="Linear Connectivity Reveals Generalization Strategies",
        author="Juneja, Jeevesh and Bansal, Rachit and Cho, Kyunghyun and Sedoc, Joao and "
        "Saphra, Naomi",
        booktitle="International Conference on Learning Representations",
        year="2023",
        eprint="2205.12411",
    ),
    _paper(
        "qin2022",
        "inproceedings",
        title="Exploring Mode Connectivity for Pre-trained Language Models",
        author="Qin, Yujia and Qian, Cheng and Yi, Jing and Chen, Weize and Lin, Yankai and "
        "Han, Xu and Liu, Zhiyuan and Sun, Maosong and Zhou, Jie",
        booktitle="Empirical Methods in Natural Language Processing",
        year="2022",
        eprint="2210.14102",
    ),
    _paper(
        "verma2024",
        "article",
        title="Merging Text Transformer Models from Different Initializations",
        author="Verma, Neha and Elbayad, Maha",
        journal="Transactions on Machine Learning Research",
        year="2024",
        eprint="2403.00986",
    ),
    _paper(
        "gueta2023",
        "inproceedings",
        title="Knowledge is a Region in Weight Space for Fine-tuned Language Models",
        author="Gueta, Almog and Venezian, Elad and Raffel, Colin and Slonim, Noam and "
        "Katz, Yoav and Choshen, Leshem",
        booktitle="Findings of the Association for Computational Linguistics: EMNLP",
        year="2023",
        eprint="2302.04863",
    ),
    _paper(
        "mccoy2019",
        "inproceedings",
        title="Right for the Wrong Reasons: Diagnosing Syntactic Heuristics in Natural Language "
        "Inference",
        author="McCoy, R. Thomas and Pavlick, Ellie and Linzen, Tal",
        booktitle="Association for Computational Linguistics",
        year="2019",
        eprint="1902.01007",
    ),
    _paper(
        "mccoy2020",
        "inproceedings",
        title="BERTs of a feather do not generalize together: Large variability in generalization "
        "across models with similar test set performance",
        author="McCoy, R. Thomas and Min, Junghyun and Linzen, Tal",
        booktitle="BlackboxNLP Workshop on Analyzing and Interpreting Neural Networks for NLP",
        year="2020",
        eprint="1911.02969",
    ),
    _paper(
        "salazar2020",
        "inproceedings",
        title="Masked Language Model Scoring",
        author="Salazar, Julian and Liang, Davis and Nguyen, Toan Q. and Kirchhoff, Katrin",
        booktitle="Association for Computational Linguistics",
        year="2020",
        eprint="1910.14659",
    ),
    _paper(
        "waudbysmith2023",
        "article",
        title="Estimating means of bounded random variables by betting",
        author="Waudby-Smith, Ian and Ramdas, Aaditya",
        journal="Journal of the Royal Statistical Society Series B: Statistical Methodology",
        volume="86",
        number="1",
        year="2024",
        eprint="2010.09686",
    ),
    _paper(
        "waudbysmith2024",
        "article",
        title="Time-uniform central limit theory and asymptotic confidence sequences",
        author="Waudby-Smith, Ian and Arbour, David and Sinha, Ritwik and Kennedy, Edward H. and "
        "Ramdas, Aaditya",
        journal="The Annals of Statistics",
        volume="52",
        number="6",
        year="2024",
        eprint="2103.06476",
    ),
    _paper(
        "vardi2000",
        "article",
        title="The multivariate L1-median and associated data depth",
        author="Vardi, Yehuda and Zhang, Cun-Hui",
        journal="Proceedings of the National Academy of Sciences",
        volume="97",
        number="4",
        year="2000",
    ),
    _paper(
        "sonthalia2024",
        "inproceedings",
        title="Do Deep Neural Network Solutions Form a Star Domain?",
        author="Sonthalia, Ankit and Rubinstein, Alexander and Abbasnejad, Ehsan and Oh, Seong Joon",
        booktitle="International Conference on Learning Representations",
        year="2025",
        eprint="2403.07968",
    ),
    _paper(
        "wortsman2022",
        "inproceedings",
        title="Model soups: averaging weights of multiple fine-tuned models improves accuracy without "
        "increasing inference time",
        author="Wortsman, Mitchell and Ilharco, Gabriel and Gadre, Samir Yitzhak and Roelofs, Rebecca "
        "and Gontijo-Lopes, Raphael and Morcos, Ari S. and Namkoong, Hongseok and Farhadi, Ali and "
        "Carmon, Yair and Kornblith, Simon and Schmidt, Ludwig",
        booktitle="International Conference on Machine Learning",
        year="2022",
        eprint="2203.05482",
    ),
    _paper(
        "matena2022",
        "inproceedings",
        title="Merging Models with Fisher-Weighted Averaging",
        author="Matena, Michael and Raffel, Colin",
        booktitle="Advances in Neural Information Processing Systems",
        year="2022",
        eprint="2111.09832",
    ),
    _paper(
        "ilharco2023",
        "inproceedings",
        title="Editing Models with Task Arithmetic",
        author="Ilharco, Gabriel and Ribeiro, Marco Tulio and Wortsman, Mitchell and Gururangan, "
        "Suchin and Schmidt, Ludwig and Hajishirzi, Hannaneh and Farhadi, Ali",
        booktitle="International Conference on Learning Representations",
        year="2023",
        eprint="2212.04089",
    ),
    _paper(
        "yadav2023",
        "inproceedings",
        title="TIES-Merging: Resolving Interference When Merging Models",
        author="Yadav, Prateek and Tam, Derek and Choshen, Leshem and Raffel, Colin and Bansal, Mohit",
        booktitle="Advances in Neural Information Processing Systems",
        year="2023",
        eprint="2306.01708",
    ),
    _paper(
        "yu2024",
        "inproceedings",
        title="Language Models are Super Mario: Absorbing Abilities from Homologous Models as a Free "
        "Lunch",
        author="Yu, Le and Yu, Bowen and Yu, Haiyang and Huang, Fei and Li, Yongbin",
        booktitle="International Conference on Machine Learning",
        year="2024",
        eprint="2311.03099",
    ),
    _paper(
        "jang2024",
        "inproceedings",
        title="Model Stock: All we need is just a few fine-tuned models",
        author="Jang, Dong-Hwan and Yun, Sangdoo and Han, Dongyoon",
        booktitle="European Conference on Computer Vision",
        year="2024",
        eprint="2403.19522",
    ),
    _paper(
        "agresti2005",
        "article",
        title="Simple improved confidence intervals for comparing matched proportions",
        author="Agresti, Alan and Min, Yongyi",
        journal="Statistics in Medicine",
        year="2005",
        doi="10.1002/sim.1781",
    ),
    _paper(
        "bao2019",
        "inproceedings",
        title="An Information-Theoretic Approach to Transferability in Task Transfer Learning",
        author="Bao, Yajie and Li, Yang and Huang, Shao-Lun and Zhang, Lin and Zheng, Lizhong and "
        "Zamir, Amir and Guibas, Leonidas",
        booktitle="IEEE International Conference on Image Processing",
        year="2019",
        eprint="2212.10082",
    ),
    _paper(
        "you2021",
        "inproceedings",
        title="LogME: Practical Assessment of Pre-trained Models for Transfer Learning",
        author="You, Kaichao and Liu, Yong and Wang, Jianmin and Long, Mingsheng",
        booktitle="International Conference on Machine Learning",
        year="2021",
        eprint="2102.11005",
    ),
    _paper(
        "ibrahim2021",
        "inproceedings",
        title="Newer is not always better: Rethinking transferability metrics, their peculiarities, "
        "stability and performance",
        author="Ibrahim, Shibal and Ponomareva, Natalia and Mazumder, Rahul",
        booktitle="European Conference on Machine Learning",
        year="2022",
        eprint="2110.06893",
    ),
    _paper(
        "horwitz2024",
        "inproceedings",
        title="Unsupervised Model Tree Heritage Recovery",
        author="Horwitz, Eliahu and Shul, Asaf and Hoshen, Yedid",
        booktitle="International Conference on Learning Representations",
        year="2025",
        eprint="2405.18432",
    ),
)

REFERENCES: dict[str, Reference] = {reference.key: reference for reference in _ALL}
