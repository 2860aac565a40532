"""The one script of a view: about two kilobytes, no library, nothing loaded.

Where scripts may run it swaps the picture for the same SVG in a shadow root, so that titles, the keyboard and a click
on a state work and no style leaks either way; where they may not, the picture and the folds are there without it. What
was unfolded stays so when a live view is replaced.
"""

from __future__ import annotations

import json

from mlflowsteps.display.html import Markup

__all__ = ["script"]

_SOURCE = """(function(id,key){
var root=document.getElementById(id);if(!root)return;
var all=window.__mlflowsteps=window.__mlflowsteps||{},open=all[key]=all[key]||{};
var folds=Array.prototype.slice.call(root.querySelectorAll("details[data-state]"));
folds.forEach(function(f){var k=f.getAttribute("data-state");
if(k in open)f.open=open[k];
f.addEventListener("toggle",function(){open[k]=f.open})});
function show(k){folds.forEach(function(f){if(f.getAttribute("data-state")!==k)return;
for(var p=f;p&&p!==root;p=p.parentElement)if(p.tagName==="DETAILS")p.open=true;
f.scrollIntoView({block:"nearest"});f.querySelector("summary").focus()})}
root.addEventListener("click",function(e){var a=e.target.closest&&e.target.closest("[data-show]");
if(a){e.preventDefault();show(a.getAttribute("data-show"))}});
function dark(){for(var e=root;e;e=e.parentElement){
var c=getComputedStyle(e).backgroundColor.match(/[\\d.]+/g);
if(c&&(c.length<4||+c[3]>.5))return .3*c[0]+.59*c[1]+.11*c[2]<128}
return matchMedia("(prefers-color-scheme: dark)").matches}
var img=root.querySelector("img[data-graph]");if(!img||!root.attachShadow)return;
var raw=atob(img.src.split(",")[1]),bytes=new Uint8Array(raw.length);
for(var i=0;i<raw.length;i++)bytes[i]=raw.charCodeAt(i);
var doc=new DOMParser().parseFromString(new TextDecoder().decode(bytes),"image/svg+xml");
var svg=document.importNode(doc.documentElement,true),host=document.createElement("div");
svg.style.display="block";var paper=svg.querySelector(".paper");if(paper)paper.remove();
function tint(){svg.style.colorScheme=dark()?"dark":"light"}tint();
host.attachShadow({mode:"open"}).appendChild(svg);img.replaceWith(host);
if(all[key+"/scroll"]){host.parentElement.scrollTop=all[key+"/scroll"][0];host.parentElement.scrollLeft=all[key+"/scroll"][1]}
host.parentElement.addEventListener("scroll",function(){
all[key+"/scroll"]=[host.parentElement.scrollTop,host.parentElement.scrollLeft]});
function pick(e){var g=e.target.closest(".n");if(g){e.preventDefault();show(g.getAttribute("data-state"))}}
svg.addEventListener("click",pick);
svg.addEventListener("keydown",function(e){if(e.key==="Enter"||e.key===" ")pick(e)});
var seen=new MutationObserver(function(){if(!root.isConnected)seen.disconnect();else tint()});
seen.observe(document.body,{attributes:true});
})"""


def script(element: str, key: str) -> Markup:
    """The script for one view.

    Args:
        element: id of the view's element; letters, digits and hyphens.
        key: what the unfolded states are remembered under; letters, digits and hyphens.
    """
    return Markup(f"<script>{_SOURCE}({json.dumps(element)},{json.dumps(key)})</script>")
